"""What medical-image networks see: layers, explainers and phantoms for Keras 3."""
