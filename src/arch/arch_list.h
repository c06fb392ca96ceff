/* The built-in architectures: ITO_CHOICE(arch, NAME) is the descriptor ito__arch_NAME, in src/arch/NAME.c. */
ITO_CHOICE(arch, unet2d)
ITO_CHOICE(arch, convnet)
ITO_CHOICE(arch, inception)
ITO_CHOICE(arch, mlp)
