"""What JoJoGAN does: invert, mix codes, finetune, draw. Pure torch: no file, no terminal."""
