"""From a person to a picture with its truth: the dressed mesh, the scene, the light."""
