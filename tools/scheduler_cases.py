"""The schedulers and configurations of tools/make_scheduler_fixtures.py: every option that a scheduler_config.json can carry and
that changes what a scheduler computes, alone and in the pairs that touch each other. Each configuration is what differs
from the class's defaults."""

# eps says nothing of x_0 where the squared cosine starts: float32 would decide what comes out.
VP = dict(linear={}, scaled=dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012),
          cosine=dict(beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction"), short=dict(num_train_timesteps=200, beta_end=0.1),
          narrow=dict(beta_start=0.0002, beta_end=0.015))
TRAINED = dict(num_train_timesteps=100, trained_betas=[round(0.001 + 0.0006 * i, 6) for i in range(100)])
V, X0 = dict(prediction_type="v_prediction"), dict(prediction_type="sample")
LEADING, TRAILING = dict(timestep_spacing="leading"), dict(timestep_spacing="trailing")
LINSPACE, OFFSET = dict(timestep_spacing="linspace"), dict(timestep_spacing="leading", steps_offset=1)
ZERO_SNR = dict(rescale_betas_zero_snr=True, timestep_spacing="trailing", prediction_type="v_prediction")
KARRAS, EXPONENTIAL, BETA = dict(use_karras_sigmas=True), dict(use_exponential_sigmas=True), dict(use_beta_sigmas=True)
SIGMA_MIN = dict(final_sigmas_type="sigma_min")
FLOW = dict(use_flow_sigmas=True, prediction_type="flow_prediction")
SPACINGS, SIGMAS = [LEADING, TRAILING, LINSPACE, OFFSET], [KARRAS, EXPONENTIAL, BETA]


def threshold(ratio=0.995, most=1.0, **more):
    return dict(thresholding=True, dynamic_thresholding_ratio=ratio, sample_max_value=most, **more)


THRESHOLDS = [threshold(), threshold(0.8, 1.5), threshold(0.6, 3.0, **X0), threshold(0.9, 2.0, **V)]


def with_each(base, *lists):
    return [{**base, **c} for cs in lists for c in cs]


def betas(*more):
    """Every schedule of betas."""
    return list(VP.values()) + [TRAINED] + list(more)


def markov():
    plain = dict(clip_sample=False)
    common = with_each(plain, betas(), SPACINGS, [V, X0, {**V, **TRAILING}, ZERO_SNR, {**ZERO_SNR, **X0}])
    common += [{}, dict(clip_sample_range=0.5), {**V, "clip_sample_range": 1.5}, {**X0, **TRAILING}]
    ddim = common + THRESHOLDS + with_each(plain, [dict(set_alpha_to_one=False), dict(set_alpha_to_one=False, **V)])
    ddpm = common + THRESHOLDS + with_each(plain, [dict(beta_schedule="sigmoid"), dict(beta_schedule="laplace")])
    for kind in ("fixed_small_log", "fixed_large", "learned_range"):
        ddpm += [{"variance_type": kind}] + with_each({**plain, "variance_type": kind}, [{}, TRAILING, OFFSET, LINSPACE])
    # With set_alpha_to_one the inverse divides by sigma = 0 where the network predicts x_0.
    inverse = [c for c in common + with_each(plain, [dict(set_alpha_to_one=False), dict(set_alpha_to_one=False, **X0)])
               if c.get("timestep_spacing") != "linspace" and (c.get("prediction_type") != "sample" or "set_alpha_to_one" in c)]
    pndm = betas() + SPACINGS + [V, dict(set_alpha_to_one=True), {**V, **TRAILING}]
    pndm = pndm + [{**c, "skip_prk_steps": True} for c in [{}, *pndm[1:]]]
    return {"DDPMScheduler": ddpm, "DDIMScheduler": ddim, "DDIMInverseScheduler": inverse, "PNDMScheduler": pndm}


def exploding():
    """Those of k-diffusion: in sigma / signal."""
    base = betas() + SPACINGS + [V, {**V, **KARRAS}]
    euler = base + SIGMAS + [X0, SIGMA_MIN, ZERO_SNR, {**ZERO_SNR, **LEADING}, {**KARRAS, **SIGMA_MIN}]
    euler += [dict(interpolation_type="log_linear"), dict(sigma_min=0.05, sigma_max=12.0, **KARRAS),
              dict(sigma_min=0.05, sigma_max=12.0, **EXPONENTIAL), dict(sigma_max=10.0, **BETA),
              dict(timestep_type="continuous", **V), dict(timestep_type="continuous", **V, **KARRAS),
              dict(timestep_type="continuous", prediction_type="epsilon")]
    heun = base + SIGMAS + [X0, dict(clip_sample=True), dict(clip_sample=True, clip_sample_range=0.6, **V),
                            dict(beta_schedule="exp")]
    lms, kdpm2 = base + SIGMAS + [X0], base + SIGMAS + [{**TRAILING, **KARRAS}]
    ancestral = betas() + SPACINGS + [V, ZERO_SNR]
    return {"EulerDiscreteScheduler": euler, "EulerAncestralDiscreteScheduler": ancestral, "HeunDiscreteScheduler": heun,
            "LMSDiscreteScheduler": lms, "KDPM2DiscreteScheduler": kdpm2, "KDPM2AncestralDiscreteScheduler": kdpm2,
            "DPMSolverSDEScheduler": kdpm2}


def dpm_solver():
    base = betas() + SPACINGS + [V, X0] + SIGMAS + THRESHOLDS
    clipped = dict(beta_schedule="squaredcos_cap_v2", lambda_min_clipped=-5.1)
    multi = base + [ZERO_SNR, {**ZERO_SNR, **LEADING}, SIGMA_MIN, {**KARRAS, **SIGMA_MIN}, clipped, {**clipped, **TRAILING},
                    {**clipped, **LEADING}, dict(use_lu_lambdas=True),
                    dict(use_lu_lambdas=True, **VP["cosine"]), FLOW, dict(flow_shift=3.0, **FLOW),
                    dict(variance_type="learned_range"), dict(lower_order_final=False), dict(euler_at_final=True)]
    single = betas() + [V, X0] + SIGMAS + THRESHOLDS + [
        SIGMA_MIN, clipped, FLOW, dict(flow_shift=3.0, **FLOW), dict(variance_type="learned_range"),
        dict(lower_order_final=True, **SIGMA_MIN), dict(lower_order_final=True)]
    for kind in ("dpmsolver++", "sde-dpmsolver++", "dpmsolver", "sde-dpmsolver"):
        end = SIGMA_MIN if kind in ("dpmsolver", "sde-dpmsolver") else {}
        for order in (1, 2, 3):
            for form in ("midpoint", "heun"):
                c = dict(algorithm_type=kind, solver_order=order, solver_type=form, **end)
                if kind != "sde-dpmsolver" or order < 3:
                    multi += [c] + ([dict(euler_at_final=True, **c), dict(lower_order_final=False, **c)] if order > 1 else [])
                if kind != "sde-dpmsolver":
                    single += [c] + ([dict(lower_order_final=True, **c)] if order > 1 else [])
        multi += [dict(algorithm_type=kind, **{**end, **c}) for c in (V, X0, KARRAS, threshold(0.8, 1.5))]
    multi += [dict(algorithm_type="deis", solver_type="logrho", **SIGMA_MIN), dict(solver_type="bh2")]
    return {"DPMSolverMultistepScheduler": multi, "DPMSolverSinglestepScheduler": single}


def multistep():
    flow = [FLOW, dict(flow_shift=3.0, **FLOW)]
    deis = betas() + SPACINGS + [V, X0] + SIGMAS + THRESHOLDS + flow + [
        dict(lower_order_final=False), dict(solver_type="midpoint"), dict(algorithm_type="dpmsolver++")]
    deis += [dict(solver_order=k, **c) for k in (1, 3) for c in ({}, KARRAS, V, dict(lower_order_final=False))]
    unipc = betas() + SPACINGS + [V, X0] + SIGMAS + THRESHOLDS + flow + [
        ZERO_SNR, {**ZERO_SNR, **LEADING}, SIGMA_MIN, dict(lower_order_final=False, **SIGMA_MIN), dict(disable_corrector=[0]),
        dict(disable_corrector=[0, 1, 3]), dict(solver_type="midpoint"), dict(sigma_min=0.05, sigma_max=12.0, **KARRAS),
        {**FLOW, **KARRAS}, dict(shift_terminal=0.1, **FLOW), {**FLOW, **SIGMA_MIN}]
    unipc += [{**KARRAS, **SIGMA_MIN}, {**EXPONENTIAL, **SIGMA_MIN}, {**BETA, **SIGMA_MIN}]
    for order in (1, 2, 3):
        for form in ("bh1", "bh2"):
            for data in (True, False):
                # All but bh2 of x_0 multiply infinity by 0 at a final sigma of 0.
                end = {} if form == "bh2" and data else SIGMA_MIN
                unipc.append(dict(solver_order=order, solver_type=form, predict_x0=data, **end))
    unipc += [dict(predict_x0=False, **SIGMA_MIN, **c) for c in (V, X0)]
    sa = betas() + SPACINGS + [V, X0] + SIGMAS + THRESHOLDS + flow + [
        dict(lower_order_final=False), dict(beta_schedule="squaredcos_cap_v2", lambda_min_clipped=-5.1),
        dict(variance_type="learned_range")]
    sa += [dict(predictor_order=p, corrector_order=c) for p in (1, 2, 3, 4) for c in (1, 2, 3, 4) if (p, c) != (2, 2)]
    sa += [dict(algorithm_type="noise_prediction", **c) for c in ({}, V, X0, KARRAS, dict(predictor_order=3, corrector_order=3))]
    return {"DEISMultistepScheduler": deis, "UniPCMultistepScheduler": unipc, "SASolverScheduler": sa}


def continuous():
    scale = [{}, dict(sigma_min=0.01, sigma_max=50.0), dict(sigma_data=1.0), dict(rho=5.0)]
    edm = scale + [V, SIGMA_MIN, dict(sigma_schedule="exponential"), dict(sigma_schedule="exponential", **SIGMA_MIN),
                   dict(num_train_timesteps=500)]
    dpm = edm + [threshold(), threshold(0.8, 1.5), dict(euler_at_final=True), dict(lower_order_final=False),
                 dict(lower_order_final=False, **SIGMA_MIN)]
    for kind in ("dpmsolver++", "sde-dpmsolver++"):
        for order in (1, 2, 3):
            for form in ("midpoint", "heun"):
                if kind == "dpmsolver++" or order < 3:
                    dpm.append(dict(algorithm_type=kind, solver_order=order, solver_type=form))
    ve = [{}, dict(snr=0.1, correct_steps=2), dict(correct_steps=0), dict(sigma_min=0.02, sigma_max=50.0),
          dict(sampling_eps=1e-3), dict(num_train_timesteps=100)]
    many = dict(num_train_timesteps=151)
    cm = [{}, many, dict(clip_denoised=False, **many), dict(sigma_min=0.01, sigma_max=50.0, **many), dict(sigma_data=1.0, **many),
          dict(s_noise=0.7, **many), dict(rho=5.0, **many)]
    return {"EDMEulerScheduler": edm, "EDMDPMSolverMultistepScheduler": dpm, "ScoreSdeVeScheduler": ve,
            "CMStochasticIterativeScheduler": cm, "IPNDMScheduler": [{}, dict(num_train_timesteps=500)]}


def few_steps():
    common = betas(dict(beta_schedule="linear")) + [V, X0, dict(original_inference_steps=100), ZERO_SNR,
                                                    dict(set_alpha_to_one=False), LINSPACE, dict(steps_offset=1)]
    lcm = common + THRESHOLDS + [dict(clip_sample=True), dict(clip_sample=True, clip_sample_range=0.5, **V),
                                 dict(timestep_scaling=1.0)]
    tcd = common + [dict(clip_sample=True), threshold(), dict(timestep_scaling=1.0)]
    return {"LCMScheduler": lcm, "TCDScheduler": tcd}


def flow_matching():
    dynamic = dict(use_dynamic_shifting=True)
    euler = [{}, dict(shift=3.0), dict(shift=0.5), dict(num_train_timesteps=500), dynamic,
             dict(base_shift=0.3, max_shift=2.0, base_image_seq_len=64, max_image_seq_len=2048, **dynamic),
             dict(time_shift_type="linear", **dynamic), dict(shift_terminal=0.1), dict(shift_terminal=0.02, **dynamic),
             dict(stochastic_sampling=True), dict(stochastic_sampling=True, shift=3.0), *SIGMAS, dict(shift=3.0, **KARRAS),
             dict(invert_sigmas=True)]
    return {"FlowMatchEulerDiscreteScheduler": euler,
            "FlowMatchHeunDiscreteScheduler": [{}, dict(shift=3.0), dict(num_train_timesteps=500)]}


def all_cases():
    cases = {}
    for part in (markov, exploding, dpm_solver, multistep, continuous, few_steps, flow_matching):
        cases.update(part())
    for name, configs in cases.items():
        cases[name] = [c for i, c in enumerate(configs) if c not in configs[:i]]
    return cases
