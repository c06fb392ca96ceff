/* The built-in architectures: ITO_ARCH(NAME) is the descriptor ito__arch_NAME, in src/arch/NAME.c. */
ITO_ARCH(unet2d)
ITO_ARCH(convnet)
