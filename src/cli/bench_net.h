/* ito bench unet, model and tune. */
#ifndef CLI_BENCH_NET_H
#define CLI_BENCH_NET_H

#include <ito/bench.h>

#include "cli.h"

int bench_net(cli *app, const args *a);
int bench_tune(cli *app, const args *a);

/* What they have in common: --preset, --batch, --size, --repeats. 0 or the exit status. */
int bench_net_options(const args *a, ito_bench_options *o);
const char *bench_net_name(const ito_bench_options *o);

#endif
