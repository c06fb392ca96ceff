/* One update of Langevin dynamics. */
#include "sampler/langevin.h"

#include <math.h>

#include "base/base.h"

void ito__langevin_begin(ito_step *st)
{
    ito_step_combine(st, 1, (const ito_term[]){{1, st->x}}, st->scratch[0]);
}

ito_status ito__langevin_update(ito_step *st, const ito_level *t, double size, int draw)
{
    ito_estimate e;
    void *x = st->scratch[0], *z = st->scratch[1];
    ITO_TRY(ito_step_predict(st, 0, t, x, &e));
    ITO_TRY(ito_step_noise(st, draw, z));
    /* EQ[survey:4] = EQ[welling11:3]  x <- x + delta / 2 score + sqrt(delta) z, delta = size sigma^2, score = -eps / sigma */
    const ito_term terms[] = {{1, x}, {-0.5 * size * t->sigma, e.eps}, {sqrt(size) * t->sigma, z}};
    ito_step_combine(st, 3, terms, x);
    return ITO_OK;
}
