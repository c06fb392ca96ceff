/* Brownian paths W(t) of the samples over the times of a process, as a virtual tree (Li et al. 2020): W(t_min) = 0, W(t_max) is drawn, and the
 * middle of an interval is drawn given its ends, down to the 2^-30th part of all times, within which W is linear. Every
 * number is keyed by its place in the tree, so W(t) costs thirty draws and is the same whenever it is asked for. */
#include <math.h>

#include "sampler/sampler_impl.h"

#define DEPTH 30

/* An interval of the tree, and W at its ends. */
typedef struct span {
    double from, to;
    uint32_t node; /* of its middle: 1 is the root's, 2 k and 2 k + 1 lie below k; 0 is W(t_max) */
    void *low, *high, *middle;
} span;

static ito_status draw_node(ito_sampler *s, uint32_t node)
{
    return ito__sampler_noise(s, ITO_STREAM_BROWNIAN, node, s->noise);
}

/* EQ[li20:s4]  W(m) = (W(a) + W(b)) / 2 + sqrt((b - a) / 4) z, m the middle of a and b */
static ito_status halve(ito_sampler *s, span *i, double t)
{
    double middle = 0.5 * (i->from + i->to), sd = 0.5 * sqrt(i->to - i->from);
    void *spare;
    ITO_TRY(draw_node(s, i->node));
    ito__sampler_combine(s, 3, (const ito_term[]){{0.5, i->low}, {0.5, i->high}, {sd, s->noise}}, i->middle);
    if (t < middle) {
        spare = i->high;
        i->high = i->middle;
        i->to = middle;
        i->node *= 2;
    } else {
        spare = i->low;
        i->low = i->middle;
        i->from = middle;
        i->node = 2 * i->node + 1;
    }
    i->middle = spare;
    return ITO_OK;
}

static ito_status path_at(ito_sampler *s, double t, void *w)
{
    const ito_process *process = s->step.process;
    span i = {ito_process_t_min(process), ito_process_t_max(process), 1, s->path[0], s->path[1], s->path[2]};
    ITO_TRY(draw_node(s, 0));
    ito__sampler_combine(s, 0, NULL, i.low);
    ito__sampler_combine(s, 1, (const ito_term[]){{sqrt(i.to - i.from), s->noise}}, i.high);
    for (int depth = 0; depth < DEPTH && t > i.from && t < i.to; depth++) ITO_TRY(halve(s, &i, t));
    double share = (t - i.from) / (i.to - i.from);
    ito__sampler_combine(s, 2, (const ito_term[]){{1 - share, i.low}, {share, i.high}}, w);
    return ITO_OK;
}

ito_status ito_step_brownian(ito_step *step, int draw, double t, double s, void *dst)
{
    ito_sampler *loop = step->sampler;
    void *other = loop->path[3];
    double scale = 1 / sqrt(fabs(t - s));
    if (loop->options.noise) return ito_step_noise(step, draw, dst);
    ITO_TRY(path_at(loop, t, other));
    ITO_TRY(path_at(loop, s, dst));
    ito__sampler_combine(loop, 2, (const ito_term[]){{scale, other}, {-scale, dst}}, dst);
    return ITO_OK;
}
