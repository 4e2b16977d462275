"""What a trained network is worth: accuracies, ROC curves, feature spaces, shortcuts, lost parts, whole volumes."""
