/* diffusers' classes of schedulers: which fields their files have, other defaults than most have, and what is made of them. */
#include "base/base.h"
#include "scheduler/scheduler_impl.h"

#define EPS (1u << ITO__THEIR_EPS)
#define X0  (1u << ITO__THEIR_X0)
#define V   (1u << ITO__THEIR_V)

#define THREE_SCHEDULES (1u << ITO__BETAS_LINEAR | 1u << ITO__BETAS_SCALED | 1u << ITO__BETAS_COSINE)
#define FIVE_SCHEDULES  (THREE_SCHEDULES | 1u << ITO__BETAS_SIGMOID | 1u << ITO__BETAS_LAPLACE)

/* Fields of most. */
#define BETAS ITO__OF_TIMESTEPS | ITO__OF_BETAS | ITO__OF_PREDICTION
#define CHAIN BETAS | ITO__OF_SPACING

/* ---- defaults ---- */

static void leading(ito__their_options *o)
{
    o->spacing = ITO__LEADING;
    o->clip = true;
}

static void ddpm(ito__their_options *o)
{
    leading(o);
    o->variance = ITO__SMALL;
}

/* ---- classes ---- */

#define OF_BETAS   .schedules = THREE_SCHEDULES, .open = ito__their_vp
#define EVERY_KIND .predictions = EPS | X0 | V

static const ito__scheduler_class classes[] = {
    {.name = "DDPMScheduler",
     .fields = CHAIN | ITO__OF_CLIP | ITO__OF_THRESHOLD | ITO__OF_ZERO_SNR | ITO__OF_VARIANCE,
     EVERY_KIND,
     .schedules = FIVE_SCHEDULES,
     .defaults = ddpm,
     .open = ito__their_vp,
     .fill = ito__fill_ddpm,
     .choose = ito__choose_ddpm},
    {.name = "DDIMScheduler",
     .fields = CHAIN | ITO__OF_CLIP | ITO__OF_THRESHOLD | ITO__OF_ZERO_SNR | ITO__OF_ALPHA_ONE,
     EVERY_KIND,
     OF_BETAS,
     .defaults = leading,
     .fill = ito__fill_ddim,
     .choose = ito__choose_ddim},
    {.name = "DDIMInverseScheduler",
     .fields = CHAIN | ITO__OF_CLIP | ITO__OF_ZERO_SNR | ITO__OF_ALPHA_ONE,
     EVERY_KIND,
     OF_BETAS,
     .defaults = leading,
     .fill = ito__fill_inverse,
     .choose = ito__choose_inverse},
};

const ito__scheduler_class *ito__scheduler_class_get(int index)
{
    return index < ITO_COUNT(classes) ? &classes[index] : NULL;
}
