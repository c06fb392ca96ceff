/* Langevin dynamics at one level, that of the last of the run's times (Welling, Teh 2011):
 *     x <- x + delta / 2 score(x) + sqrt(delta) z,    delta_k = step_size sigma^2 (1 + k / offset)^(-decay),
 * k counting all updates. With decay = 0 its law is that of x at the level, but for the step: of a Gaussian of variance v it is
 * v / (1 - delta / (4 v)). A decay between 1/2 and 1 is Welling and Teh's schedule. Without annealing it mixes badly between modes;
 * annealed-langevin is what NCSN made of it. Tested in tests/exact/test_langevin.c. */
#include <math.h>

#include "base/base.h"
#include "sampler/langevin.h"

static ito_status step(ito_step *st)
{
    int n = (int)ito_opts_int(st->opts, "n_per_step");
    double size = ito_opts_real(st->opts, "step_size"), offset = ito_opts_real(st->opts, "offset");
    double decay = ito_opts_real(st->opts, "decay");
    ito_level last = ito_process_level(st->process, ito_sampler_time(st->sampler, st->n_steps - 1));
    ito__langevin_begin(st);
    for (int j = 0; j < n; j++) {
        double k = (double)st->index * n + j;
        /* EQ[welling11:2]  delta_k = a (b + k)^(-decay), here a b^(-decay) = step_size sigma^2 */
        ITO_TRY(ito__langevin_update(st, &last, size * pow(1 + k / offset, -decay), j));
    }
    return ito_step_to(st, 1, (const ito_term[]){{1, st->scratch[0]}}, 0);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("step_size", 0.1, 1e-9, 2, "delta / sigma^2 of the first update"),
    ITO_OPT_REAL("decay", 0, 0, 1, "0: the step stays; else it falls with this power"),
    ITO_OPT_REAL("offset", 1, 1e-3, 1e9, "updates after which a decay sets in"),
    ITO_OPT_INT("n_per_step", 1, 1, 1000, "updates in each of the run's steps"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_sgld = {
    .choice =
        {.name = "sgld",
         .summary = "Langevin dynamics at the last of the times, without annealing",
         .formula =
             "x <- x + delta_k / 2 score + sqrt(delta_k) z, delta_k = step_size sigma^2 (1 + k / offset)^(-decay)",
         .paper = "welling11",
         .eq = "welling11:2",
         .file = "src/sampler/sgld.c",
         .options = options},
    .has_no_limit = true,
    .is_stochastic = true,
    .n_scratch = ITO__LANGEVIN_ARRAYS,
    .step = step,
};
