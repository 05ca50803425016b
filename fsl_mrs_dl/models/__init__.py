"""Networks and the packages they come in: architectures by name, inputs, cards, weights as safetensors.

The modules that hold networks import PyTorch; the card and the package do not, until weights are loaded.
"""
