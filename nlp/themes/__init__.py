"""What mentions are about: themes of a taxonomy, and themes that nobody named beforehand."""
