/* ito bench unet and ito bench model. */
#ifndef CLI_BENCH_NET_H
#define CLI_BENCH_NET_H

#include "cli.h"

int bench_net(cli *app, const args *a);

#endif
