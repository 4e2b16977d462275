"""Reading a model: its graph, its head, its activations, and the ways back through its layers."""
