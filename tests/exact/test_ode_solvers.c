/* Euler, Heun, midpoint and Runge-Kutta on the probability-flow ODE: each step written out on a Gaussian, in both spaces, and what
 * they do at the ends. */

#include "exact/solvers.h"

static ito_process *vp, *flow, *edm;
static const double times[] = {0.9, 0.7, 0.4, 0.25};
#define STEPS 4
#define END   0.1

static int setup(void **state)
{
    (void)state;
    processes_open(1);
    assert_ok(ctx, ito_process_create(ctx, "vp-sde", NULL, &vp));
    assert_ok(ctx, ito_process_create(ctx, "flow", NULL, &flow));
    assert_ok(ctx, ito_process_create(ctx, "edm", NULL, &edm));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_process_destroy(vp);
    ito_process_destroy(flow);
    ito_process_destroy(edm);
    processes_close();
    return 0;
}

/* One of the two spaces: the state y and its slope at the variable v. */
typedef struct space {
    const ito_process *process;
    bool in_time;
} space;

static ito_level level(const space *p, double v)
{
    /* sigma / signal of the VP-SDE inverted by bisection, not by the process's own inverse */
    double low = 1e-9, high = 1;
    if (p->in_time) return ito_process_level(p->process, v);
    for (int i = 0; i < 200; i++) {
        double middle = 0.5 * (low + high);
        ito_level at = ito_process_level(p->process, middle);
        if (at.sigma < v * at.signal)
            low = middle;
        else
            high = middle;
    }
    return ito_process_level(p->process, low);
}

static double variable(const space *p, double t)
{
    ito_level at = ito_process_level(p->process, t);
    return p->in_time ? t : at.sigma / at.signal;
}

/* EQ[edm:4] EQ[sde:13]: x' = f x - g^2 / 2 score of the process, and d(x / signal) = (x / signal - D) / sigma_hat d sigma_hat */
static double slope(const space *p, double v, double y)
{
    ito_level at = level(p, v);
    if (!p->in_time) return (y - x0_at(&at, at.signal * y)) / v;
    double f = ito_process_drift(p->process, v), g = ito_process_diffusion(p->process, v);
    return f * y - 0.5 * g * g * (-eps_at(&at, y) / at.sigma);
}

typedef double (*method)(const space *p, double v, double h, double y);

/* EQ[hairer:I.7] */
static double euler(const space *p, double v, double h, double y)
{
    return y + h * slope(p, v, y);
}

/* EQ[edm:a1] */
static double heun(const space *p, double v, double h, double y)
{
    double d = slope(p, v, y);
    return y + h * (0.5 * d + 0.5 * slope(p, v + h, y + h * d));
}

/* EQ[hairer:II.1], with the middle in log sigma where space is sigma */
static double midpoint(const space *p, double v, double h, double y)
{
    double to_middle = p->in_time ? 0.5 * h : sqrt(v * (v + h)) - v;
    return y + h * slope(p, v + to_middle, y + to_middle * slope(p, v, y));
}

/* EQ[hairer:t1.2] */
static double rk4(const space *p, double v, double h, double y)
{
    double a = slope(p, v, y), b = slope(p, v + h / 2, y + h / 2 * a), c = slope(p, v + h / 2, y + h / 2 * b);
    return y + h / 6 * (a + 2 * b + 2 * c + slope(p, v + h, y + h * c));
}

static const struct {
    const char *name;
    method step;
    int evaluations;
} methods[] = {{"euler", euler, 1}, {"heun", heun, 2}, {"midpoint", midpoint, 2}, {"rk4", rk4, 4}};

static double written_out(const space *p, method step, double x)
{
    double scale = p->in_time ? 1 : ito_process_signal(p->process, times[0]), y = x / scale;
    for (int k = 0; k < STEPS; k++) {
        double v = variable(p, times[k]), to = variable(p, k + 1 < STEPS ? times[k + 1] : END);
        y = step(p, v, to - v, y);
    }
    return y * (p->in_time ? 1 : ito_process_signal(p->process, END));
}

static void test_steps(void **state)
{
    (void)state;
    for (int m = 0; m < ITO_COUNT(methods); m++)
        for (int in_time = 0; in_time < 2; in_time++)
            for (int f = 0; f < 2; f++) {
                const space p = {f ? flow : vp, in_time};
                const char *settings = in_time ? "space=time" : "space=sigma";
                assert_solves(p.process, methods[m].name, settings, STEPS, times, END, -0.6,
                              written_out(&p, methods[m].step, -0.6));
            }
}

/* At sigma = 0 the last step is Euler's, which in sigma / signal leaves x_0: EQ[edm:a1]. On EDM's process the spaces are the
 * same. */
static void test_end(void **state)
{
    (void)state;
    const double sigmas[] = {3, 0.8};
    for (int m = 0; m < ITO_COUNT(methods); m++) {
        const space p = {edm, true};
        ito_level last = ito_process_level(edm, sigmas[1]);
        double before = methods[m].step(&p, 3, -2.2, 1.7);
        if (methods[m].step == midpoint) {
            double middle = sqrt(3 * 0.8);
            before = 1.7 - 2.2 * slope(&p, middle, 1.7 + (middle - 3) * slope(&p, 3, 1.7));
        }
        assert_solves(edm, methods[m].name, NULL, 2, sigmas, 0, 1.7, x0_at(&last, before));
    }
    /* one step from no signal to no noise: the mean of the data, in both spaces */
    for (int m = 0; m < ITO_COUNT(methods); m++) {
        assert_solves(flow, methods[m].name, NULL, 1, ((const double[]){1}), 0, 1.3, MEAN);
        assert_solves(flow, methods[m].name, "space=time", 1, ((const double[]){1}), 0, 1.3, MEAN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps), cmocka_unit_test(test_end)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
