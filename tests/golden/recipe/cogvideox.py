#!/usr/bin/env python3
"""Makes a golden case for CogVideoX: a tiny model with random weights and what diffusers computes with it.

  python3 cogvideox.py OUT_DIR [--kind 2b|5b-image|1.5] [--spec spec.json]

Written for torch 2.15, diffusers 0.42, transformers 5.23, sentencepiece 0.2 (PyPI). The product needs none of them.
`spec.json` overrides the entries of SPEC and of the kind; every dimension differs on purpose, so that a swapped axis
shows. tests/golden/cogvideox is `5b-image`, cogvideox_2b and cogvideox_1.5 are the other two.
"""
import argparse
import copy
import json
import os

import torch
from diffusers import (AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXDPMScheduler,
                       CogVideoXImageToVideoPipeline, CogVideoXPipeline, CogVideoXTransformer3DModel,
                       PyramidAttentionBroadcastConfig, apply_pyramid_attention_broadcast)
from diffusers.models.autoencoders import vae as posterior
from diffusers.schedulers import scheduling_dpm_cogvideox as dpm
from PIL import Image
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from latte import largest_difference, merge, randomize, train_tokenizer

SPEC = {
    "seed": 11, "prompt": "Two GREEN kites, über the sea", "negative_prompt": "blurry", "guidance_scale": 5.0,
    "text": {"d_model": 24, "d_kv": 10, "d_ff": 40, "num_layers": 1, "num_heads": 3,
             "relative_attention_num_buckets": 12, "relative_attention_max_distance": 50},
    "transformer": {"num_attention_heads": 2, "attention_head_dim": 16, "in_channels": 5, "out_channels": 5,
                    "time_embed_dim": 20, "text_embed_dim": 24, "num_layers": 2},
    "vae": {"block_out_channels": [4, 6, 8, 8], "layers_per_block": 1, "norm_num_groups": 2, "latent_channels": 5,
            "down_block_types": ["CogVideoXDownBlock3D"] * 4, "up_block_types": ["CogVideoXUpBlock3D"] * 4},
    "scheduler": {"prediction_type": "v_prediction", "timestep_spacing": "trailing", "rescale_betas_zero_snr": True},
    "pab": [2, 100, 850],
}
KINDS = {
    "2b": {"width": 48, "height": 32, "num_frames": 17, "steps": 7, "sampler": "ddim", "dynamic": False,
           "transformer": {"sample_width": 6, "sample_height": 4, "sample_frames": 9, "num_attention_heads": 3},
           "scheduler": {"snr_shift_scale": 3.0}},
    "5b-image": {"width": 48, "height": 32, "num_frames": 13, "steps": 6, "sampler": "dpm", "dynamic": True,
                 "transformer": {"sample_width": 6, "sample_height": 4, "sample_frames": 13, "in_channels": 10,
                                 "use_rotary_positional_embeddings": True, "use_learned_positional_embeddings": True},
                 "vae": {"scaling_factor": 0.7}, "scheduler": {"snr_shift_scale": 1.0}},
    "1.5": {"width": 48, "height": 32, "num_frames": 9, "steps": 5, "sampler": "dpm", "dynamic": False,
            "transformer": {"sample_width": 10, "sample_height": 8, "sample_frames": 81, "patch_size_t": 2,
                            "max_text_seq_length": 224, "patch_bias": False,
                            "use_rotary_positional_embeddings": True},
            "vae": {"scaling_factor": 0.7, "invert_scale_latents": True}, "scheduler": {"snr_shift_scale": 1.0}},
}


class Draws:
    """Stands in for randn_tensor, so that runs in float32 and float64 see the same noise."""

    def __init__(self, seed):
        self.seed = seed
        posterior.randn_tensor = dpm.randn_tensor = self

    def begin(self):
        self.generator = torch.Generator().manual_seed(self.seed)
        self.drawn = []

    def __call__(self, shape, generator=None, device=None, dtype=None, layout=None):
        self.drawn.append(torch.randn(shape, generator=self.generator))
        return self.drawn[-1].to(dtype)


def takes_image(spec):
    return spec["transformer"]["in_channels"] == 2 * spec["transformer"]["out_channels"]


def build(spec, folder):
    generator = torch.Generator().manual_seed(spec["seed"])
    tokenizer = T5Tokenizer.from_pretrained(train_tokenizer(os.path.join(folder, "tokenizer")), extra_ids=4)
    text = T5EncoderModel(T5Config(vocab_size=len(tokenizer), feed_forward_proj="gated-gelu", **spec["text"])).eval()
    transformer = CogVideoXTransformer3DModel(**spec["transformer"]).eval()
    vae = AutoencoderKLCogVideoX(**spec["vae"]).eval()
    for module in (text, transformer, vae):
        randomize(module, generator)
    if spec["transformer"].get("use_learned_positional_embeddings"):
        table = transformer.patch_embed.pos_embedding
        table.data = 0.5 * torch.randn(table.shape, generator=generator)
    scheduler = (CogVideoXDPMScheduler if spec["sampler"] == "dpm" else CogVideoXDDIMScheduler)(**spec["scheduler"])
    pipeline = CogVideoXImageToVideoPipeline if takes_image(spec) else CogVideoXPipeline
    pipe = pipeline(tokenizer=tokenizer, text_encoder=text, vae=vae, transformer=transformer, scheduler=scheduler)
    pipe.save_pretrained(folder)
    os.remove(os.path.join(folder, "tokenizer", "tokenizer.json"))  # spiece.model says it all
    pipe.set_progress_bar_config(disable=True)
    return pipe


def run(pipe, spec, initial, image, draws):
    """One generation; predictions hold both guidance branches, negative first."""
    kept = {"predictions": [], "latents": [], "noise": []}
    draws.begin()
    hook = pipe.transformer.register_forward_hook(
        lambda module, inputs, output: kept["predictions"].append(output[0].clone()))

    def after_step(pipeline, index, timestep, values):
        kept["latents"].append(values["latents"][0].clone())
        if spec["sampler"] == "dpm":
            kept["noise"].append(draws.drawn[-1][0].clone())
        return values

    given = {"image": Image.fromarray(image.numpy())} if takes_image(spec) else {}
    dtype = next(pipe.transformer.parameters()).dtype
    with torch.no_grad():
        video = pipe(prompt=spec["prompt"], negative_prompt=spec["negative_prompt"], width=spec["width"],
                     height=spec["height"], num_frames=spec["num_frames"], num_inference_steps=spec["steps"],
                     guidance_scale=spec["guidance_scale"], use_dynamic_cfg=spec["dynamic"], **given,
                     latents=initial[None].to(dtype).clone(), output_type="pt", callback_on_step_end=after_step).frames[0]
    hook.remove()
    kept["video"], kept["image_noise"] = video, draws.drawn[0][0] if takes_image(spec) else None
    return kept


def run_reused(pipe, spec, initial, image, draws):
    """The same with Pyramid Attention Broadcast, and the steps in which each block attended."""
    pipe, step, computed = copy.deepcopy(pipe), [0], {}
    skip, low, high = spec["pab"]
    apply_pyramid_attention_broadcast(pipe.transformer, PyramidAttentionBroadcastConfig(
        spatial_attention_block_skip_range=skip, spatial_attention_timestep_skip_range=(low, high),
        current_timestep_callback=lambda: pipe._current_timestep))
    pipe.transformer.register_forward_hook(lambda *_: step.__setitem__(0, step[0] + 1))
    for index, block in enumerate(pipe.transformer.transformer_blocks):
        steps = computed.setdefault(f"transformer_blocks.{index}.attn1", [])
        block.attn1.to_q.register_forward_hook(lambda *_, steps=steps: steps.append(step[0]))
    kept = run(pipe, spec, initial, image, draws)
    reused = {name: [i for i in range(spec["steps"]) if i not in steps] for name, steps in computed.items()}
    return kept, reused


def encode(pipe, text):
    tokens = pipe.tokenizer(text, padding="max_length", max_length=226, truncation=True, add_special_tokens=True,
                            return_tensors="pt")
    with torch.no_grad():
        return tokens.input_ids[0], pipe.text_encoder(tokens.input_ids).last_hidden_state[0]


def initial_noise(spec):
    frames = (spec["num_frames"] - 1) // 4 + 1
    frames += -frames % spec["transformer"].get("patch_size_t", 1)
    shape = (frames, spec["transformer"]["out_channels"], spec["height"] // 8, spec["width"] // 8)
    return torch.randn(shape, generator=torch.Generator().manual_seed(spec["seed"] + 2))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out")
    arguments.add_argument("--kind", choices=KINDS, default="5b-image")
    arguments.add_argument("--spec")
    options = arguments.parse_args()
    spec = merge(copy.deepcopy(SPEC), copy.deepcopy(KINDS[options.kind]))
    spec = merge(spec, json.load(open(options.spec)) if options.spec else {})
    pipe = build(spec, os.path.join(options.out, "model"))
    double = copy.deepcopy(pipe)
    for module in (double.text_encoder, double.transformer, double.vae):
        module.double()
    draws, initial = Draws(spec["seed"] + 3), initial_noise(spec)
    image = torch.randint(0, 256, (spec["height"], spec["width"], 3), dtype=torch.uint8,
                          generator=torch.Generator().manual_seed(spec["seed"] + 4))

    tensors, noise, contexts = {"denoise/initial_latents": initial}, {}, {pipe: [], double: []}
    branches = [("negative", spec["negative_prompt"])] if spec["guidance_scale"] > 1 else []
    for branch, text in branches + [("prompt", spec["prompt"])]:
        tensors[f"text/{branch}/input_ids"] = encode(pipe, text)[0]
        for precision, states in contexts.items():
            states.append(encode(precision, text)[1])
    tensors["denoise/context"] = torch.stack(contexts[pipe])
    noise["denoise/context"] = largest_difference(tensors["denoise/context"], torch.stack(contexts[double]))

    kept, exact = (run(each, spec, initial, image, draws) for each in (pipe, double))
    reused, steps = run_reused(pipe, spec, initial, image, draws)
    tensors["denoise/timesteps"] = pipe.scheduler.timesteps.clone()
    for index in range(spec["steps"]):
        for what, name in (("predictions", "prediction"), ("latents", "latents")):
            key = f"denoise/step_{index:03}/{name}"
            tensors[key] = kept[what][index]
            noise[key] = largest_difference(kept[what][index], exact[what][index])
        if kept["noise"]:
            tensors[f"denoise/step_{index:03}/noise"] = kept["noise"][index]
        tensors[f"pab_ungated/step_{index:03}/latents"] = reused["latents"][index]
    if takes_image(spec):
        tensors |= {"image/pixels": image, "image/noise": kept["image_noise"]}
    tensors["decode/video"] = kept["video"]
    tensors["decode/frames"] = (kept["video"] * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    noise["decode/video"] = largest_difference(kept["video"], exact["video"])

    request = {"family": "cogvideox", "num_inference_steps": spec["steps"], "use_dynamic_cfg": spec["dynamic"]} | {
        key: spec[key] for key in ("prompt", "negative_prompt", "width", "height", "num_frames", "guidance_scale")}
    case = {"format": 1, "request": request,
            "source": f"tests/golden/recipe/cogvideox.py --kind {options.kind} (diffusers {type(pipe).__name__}, float32)",
            "notes": ["latents, predictions and noise are stored [.., T, C, Y, X], as the pipeline keeps them"],
            "pab_ungated": {"rule": {"spatial": spec["pab"]}, "reused_steps": steps},
            "float32_noise": noise, "shapes": {key: list(value.shape) for key, value in tensors.items()}}
    save_file({key: value.contiguous() for key, value in tensors.items()}, os.path.join(options.out, "tensors.safetensors"))
    with open(os.path.join(options.out, "case.json"), "w") as file:
        json.dump(case, file, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
