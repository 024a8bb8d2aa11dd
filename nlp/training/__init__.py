"""Train the bundled models anew from public data; needs the ``train`` extra."""
