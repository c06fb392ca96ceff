/* diffusers' classes of schedulers: which fields their files have, other defaults than most have, and what is made of them. */
#include "base/base.h"
#include "scheduler/scheduler_impl.h"

#define EPS      (1u << ITO__THEIR_EPS)
#define X0       (1u << ITO__THEIR_X0)
#define V        (1u << ITO__THEIR_V)
#define VELOCITY (1u << ITO__THEIR_FLOW)
#define SAMPLE   (1u << ITO__THEIR_SAMPLE)

#define THREE_SCHEDULES (1u << ITO__BETAS_LINEAR | 1u << ITO__BETAS_SCALED | 1u << ITO__BETAS_COSINE)
#define FIVE_SCHEDULES  (THREE_SCHEDULES | 1u << ITO__BETAS_SIGMOID | 1u << ITO__BETAS_LAPLACE)

#define PLUS_PLUS (1u << ITO__DPM_PP | 1u << ITO__SDE_DPM_PP | 1u << ITO__DEIS)

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

static void pndm(ito__their_options *o)
{
    o->spacing = ITO__LEADING;
    o->alpha_one = false;
}

/* The betas of latent diffusion. */
static void latent(ito__their_options *o)
{
    o->beta_start = 0.00085;
    o->beta_end = 0.012;
}

static void few(ito__their_options *o)
{
    latent(o);
    o->schedule = ITO__BETAS_SCALED;
}

static void singlestep(ito__their_options *o)
{
    o->lower_order_final = false;
}

static void deis(ito__their_options *o)
{
    o->algorithm = ITO__DEIS;
    o->solver = ITO__LOGRHO;
}

static void unipc(ito__their_options *o)
{
    o->solver = ITO__BH2;
}

static void sa(ito__their_options *o)
{
    o->algorithm = ITO__DATA;
}

static void edm(ito__their_options *o)
{
    o->sigma_min = 0.002;
    o->sigma_max = 80;
}

static void consistency(ito__their_options *o)
{
    edm(o);
    o->T = 40;
    o->clip = true;
}

static void score(ito__their_options *o)
{
    o->sigma_min = 0.01;
    o->sigma_max = 1348;
}

/* ---- classes ---- */

#define OF_BETAS      .schedules = THREE_SCHEDULES, .open = ito__their_vp
#define K_DIFFUSION   OF_BETAS, .has_sigmas = true, .fill = ito__fill_plain
#define EXPONENTIAL   OF_BETAS, .has_sigmas = true, .fill = ito__fill_lambda
#define EVERY_KIND    .predictions = EPS | X0 | V
#define KINDS_OF_FLOW .predictions = EPS | X0 | V | VELOCITY

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
    {.name = "PNDMScheduler",
     .fields = CHAIN | ITO__OF_ALPHA_ONE | ITO__OF_PRK,
     .predictions = EPS | V,
     OF_BETAS,
     .defaults = pndm,
     .fill = ito__fill_pndm,
     .choose = ito__choose_pndm},
    {.name = "EulerDiscreteScheduler",
     .fields = CHAIN | ITO__OF_SIGMAS | ITO__OF_RANGE | ITO__OF_EULER | ITO__OF_ZERO_SNR | ITO__OF_FINAL,
     .predictions = EPS | X0 | V | SAMPLE,
     K_DIFFUSION,
     .sampler = "euler"},
    {.name = "EulerAncestralDiscreteScheduler",
     .fields = CHAIN | ITO__OF_ZERO_SNR,
     .predictions = EPS | V,
     K_DIFFUSION,
     .sampler = "euler-a"},
    {.name = "HeunDiscreteScheduler",
     .fields = CHAIN | ITO__OF_SIGMAS | ITO__OF_CLIP,
     EVERY_KIND,
     .schedules = THREE_SCHEDULES | 1u << ITO__BETAS_EXP,
     .defaults = latent,
     .open = ito__their_vp,
     .fill = ito__fill_plain,
     .sampler = "heun"},
    {.name = "LMSDiscreteScheduler", .fields = CHAIN | ITO__OF_SIGMAS, EVERY_KIND, K_DIFFUSION, .sampler = "lms"},
    {.name = "KDPM2DiscreteScheduler",
     .fields = CHAIN | ITO__OF_SIGMAS,
     .predictions = EPS | V,
     K_DIFFUSION,
     .rounds_karras = true,
     .defaults = latent,
     .sampler = "midpoint"},
    {.name = "KDPM2AncestralDiscreteScheduler",
     .fields = CHAIN | ITO__OF_SIGMAS,
     .predictions = EPS | V,
     K_DIFFUSION,
     .rounds_karras = true,
     .defaults = latent,
     .sampler = "dpm2-a"},
    {.name = "DPMSolverSDEScheduler",
     .fields = CHAIN | ITO__OF_SIGMAS,
     .predictions = EPS | V,
     K_DIFFUSION,
     .is_double = true,
     .defaults = latent,
     .sampler = "dpmpp-sde"},
    {.name = "DPMSolverMultistepScheduler",
     .fields = CHAIN | ITO__OF_SIGMAS | ITO__OF_FINAL | ITO__OF_ZERO_SNR | ITO__OF_THRESHOLD | ITO__OF_VARIANCE |
               ITO__OF_SOLVER | ITO__OF_ALGORITHM | ITO__OF_EULER_END | ITO__OF_FLOW | ITO__OF_DYNAMIC |
               ITO__OF_LAMBDA | ITO__OF_LU,
     KINDS_OF_FLOW,
     EXPONENTIAL,
     .algorithms = PLUS_PLUS | 1u << ITO__DPM | 1u << ITO__SDE_DPM,
     .keeps_cosine = true,
     .choose = ito__choose_multistep},
    {.name = "DPMSolverSinglestepScheduler",
     .fields = BETAS | ITO__OF_SIGMAS | ITO__OF_FINAL | ITO__OF_THRESHOLD | ITO__OF_VARIANCE | ITO__OF_SOLVER |
               ITO__OF_ALGORITHM | ITO__OF_FLOW | ITO__OF_DYNAMIC | ITO__OF_LAMBDA,
     KINDS_OF_FLOW,
     EXPONENTIAL,
     .algorithms = PLUS_PLUS | 1u << ITO__DPM,
     .defaults = singlestep,
     .choose = ito__choose_singlestep},
    {.name = "DEISMultistepScheduler",
     .fields = CHAIN | ITO__OF_SIGMAS | ITO__OF_THRESHOLD | ITO__OF_SOLVER | ITO__OF_ALGORITHM | ITO__OF_FLOW |
               ITO__OF_DYNAMIC,
     KINDS_OF_FLOW,
     EXPONENTIAL,
     .algorithms = 1u << ITO__DEIS | 1u << ITO__DPM | 1u << ITO__DPM_PP,
     .defaults = deis,
     .repeats_last = true,
     .choose = ito__choose_deis},
    {.name = "UniPCMultistepScheduler",
     .fields = CHAIN | ITO__OF_SIGMAS | ITO__OF_RANGE | ITO__OF_FINAL | ITO__OF_ZERO_SNR | ITO__OF_THRESHOLD |
               ITO__OF_SOLVER | ITO__OF_FLOW | ITO__OF_DYNAMIC | ITO__OF_UNIPC,
     KINDS_OF_FLOW,
     EXPONENTIAL,
     .defaults = unipc,
     .is_unipc = true,
     .choose = ito__choose_unipc},
    {.name = "SASolverScheduler",
     .fields = CHAIN | ITO__OF_SIGMAS | ITO__OF_THRESHOLD | ITO__OF_FLOW | ITO__OF_VARIANCE | ITO__OF_ALGORITHM |
               ITO__OF_LAMBDA | ITO__OF_SA,
     KINDS_OF_FLOW,
     EXPONENTIAL,
     .algorithms = 1u << ITO__DATA | 1u << ITO__NOISE,
     .defaults = sa,
     .repeats_last = true,
     .choose = ito__choose_sa},
    {.name = "IPNDMScheduler",
     .fields = ITO__OF_TIMESTEPS,
     .open = ito__their_turn,
     .fill = ito__fill_ipndm,
     .choose = ito__choose_ipndm},
    {.name = "EDMEulerScheduler",
     .fields = ITO__OF_TIMESTEPS | ITO__OF_PREDICTION | ITO__OF_RANGE | ITO__OF_FINAL | ITO__OF_EDM,
     .predictions = EPS | V,
     .defaults = edm,
     .open = ito__their_edm,
     .fill = ito__fill_edm,
     .sampler = "euler"},
    {.name = "EDMDPMSolverMultistepScheduler",
     .fields = ITO__OF_TIMESTEPS | ITO__OF_PREDICTION | ITO__OF_RANGE | ITO__OF_FINAL | ITO__OF_EDM |
               ITO__OF_THRESHOLD | ITO__OF_SOLVER | ITO__OF_ALGORITHM | ITO__OF_EULER_END,
     .predictions = EPS | V,
     .algorithms = PLUS_PLUS,
     .defaults = edm,
     .open = ito__their_edm,
     .fill = ito__fill_edm,
     .is_float = true,
     .choose = ito__choose_edm},
    {.name = "ScoreSdeVeScheduler",
     .fields = ITO__OF_RANGE | ITO__OF_SCORE,
     .defaults = score,
     .open = ito__their_score,
     .fill = ito__fill_score,
     .choose = ito__choose_score},
    {.name = "CMStochasticIterativeScheduler",
     .fields = ITO__OF_TIMESTEPS | ITO__OF_RANGE | ITO__OF_CONSISTENCY,
     .defaults = consistency,
     .open = ito__their_consistency,
     .fill = ito__fill_consistency,
     .choose = ito__choose_consistency},
    {.name = "LCMScheduler",
     .fields = CHAIN | ITO__OF_CLIP | ITO__OF_THRESHOLD | ITO__OF_ZERO_SNR | ITO__OF_LCM,
     EVERY_KIND,
     OF_BETAS,
     .defaults = few,
     .fill = ito__fill_lcm,
     .choose = ito__choose_lcm},
    {.name = "TCDScheduler",
     .fields = CHAIN | ITO__OF_ZERO_SNR | ITO__OF_LCM,
     EVERY_KIND,
     OF_BETAS,
     .defaults = few,
     .ends_at_first = true,
     .fill = ito__fill_lcm,
     .sampler = "tcd"},
    {.name = "FlowMatchEulerDiscreteScheduler",
     .fields = ITO__OF_TIMESTEPS | ITO__OF_SIGMAS | ITO__OF_SHIFT | ITO__OF_MATCHING | ITO__OF_DYNAMIC,
     .open = ito__their_flow,
     .fill = ito__fill_flow,
     .choose = ito__choose_flow},
    {.name = "FlowMatchHeunDiscreteScheduler",
     .fields = ITO__OF_TIMESTEPS | ITO__OF_SHIFT,
     .open = ito__their_flow,
     .fill = ito__fill_flow,
     .choose = ito__choose_flow_heun},
};

const ito__scheduler_class *ito__scheduler_class_get(int index)
{
    return index < ITO_COUNT(classes) ? &classes[index] : NULL;
}
