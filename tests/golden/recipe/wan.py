#!/usr/bin/env python3
"""Makes a golden case for Wan: a tiny model of two experts with random weights and what diffusers computes with it.

  python3 wan.py OUT_DIR [--spec spec.json]

Written for torch 2.15, diffusers 0.42, transformers 5.23, sentencepiece 0.2, ftfy 6 (PyPI). The product needs none of
them. `spec.json` overrides the entries of SPEC below; every dimension differs on purpose, so that a swapped axis shows.
"""
import argparse
import copy
import json
import os

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from safetensors.torch import save_file
from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel

from latte import largest_difference, merge, randomize, train_tokenizer

SPEC = {
    "seed": 7,
    "prompt": "Two green “kites” &amp; waves\n over the sea", "negative_prompt": "blurry",
    "width": 64, "height": 32, "num_frames": 7, "steps": 5, "guidance_scale": 4.0, "guidance_scale_2": 2.5,
    "boundary_ratio": 0.85,
    "text": {"d_model": 24, "d_kv": 10, "d_ff": 40, "num_layers": 2, "num_heads": 3,
             "relative_attention_num_buckets": 12, "relative_attention_max_distance": 50},
    "transformer": {"num_attention_heads": 2, "attention_head_dim": 16, "in_channels": 6, "out_channels": 6,
                    "ffn_dim": 44, "freq_dim": 20, "num_layers": 2, "patch_size": [1, 2, 2]},
    "vae": {"base_dim": 3, "z_dim": 6, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 1,
            "temperal_downsample": [False, True, True],
            "latents_mean": [0.3, -0.7, 0.1, 0.9, -0.2, 0.4], "latents_std": [1.7, 0.6, 2.2, 1.1, 0.9, 1.4]},
    "scheduler": {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0},
}


def build(spec, folder):
    generator = torch.Generator().manual_seed(spec["seed"])
    tokenizer = T5Tokenizer.from_pretrained(train_tokenizer(os.path.join(folder, "tokenizer")), extra_ids=4)
    text = UMT5EncoderModel(UMT5Config(vocab_size=len(tokenizer), feed_forward_proj="gated-gelu", **spec["text"])).eval()
    experts = [WanTransformer3DModel(text_dim=spec["text"]["d_model"], **spec["transformer"]).eval() for _ in range(2)]
    vae = AutoencoderKLWan(**spec["vae"]).eval()
    for module in (text, *experts, vae):
        randomize(module, generator)
    for name, parameter in vae.named_parameters():
        if name.endswith("gamma"):
            parameter.data = 1 + 0.2 * torch.randn(parameter.shape, generator=generator)
    pipe = WanPipeline(tokenizer, text, vae, UniPCMultistepScheduler(**spec["scheduler"]), experts[0], experts[1],
                       boundary_ratio=spec["boundary_ratio"])
    pipe.save_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def run(pipe, spec, initial):
    """One generation; predictions come branch by branch, positive first."""
    kept = {"predictions": [], "latents": []}
    hooks = [expert.register_forward_hook(lambda module, inputs, output: kept["predictions"].append(output[0][0].clone()))
             for expert in (pipe.transformer, pipe.transformer_2)]
    dtype = next(pipe.transformer.parameters()).dtype

    def after_step(pipeline, index, timestep, values):
        kept["latents"].append(values["latents"][0].clone())
        return values

    with torch.no_grad():
        video = pipe(spec["prompt"], negative_prompt=spec["negative_prompt"], width=spec["width"], height=spec["height"],
                     num_frames=spec["num_frames"], num_inference_steps=spec["steps"],
                     guidance_scale=spec["guidance_scale"], guidance_scale_2=spec["guidance_scale_2"],
                     latents=initial[None].to(dtype).clone(), output_type="pt", callback_on_step_end=after_step).frames[0]
    for hook in hooks:
        hook.remove()
    kept["video"] = video
    return kept


def encode(pipe, text):
    from diffusers.pipelines.wan.pipeline_wan import prompt_clean
    tokens = pipe.tokenizer(prompt_clean(text), padding="max_length", max_length=512, truncation=True,
                            add_special_tokens=True, return_attention_mask=True, return_tensors="pt")
    with torch.no_grad():
        states = pipe.text_encoder(tokens.input_ids, tokens.attention_mask).last_hidden_state[0]
    return tokens.input_ids[0], tokens.attention_mask[0], states * tokens.attention_mask[0][:, None]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out")
    arguments.add_argument("--spec")
    options = arguments.parse_args()
    spec = merge(copy.deepcopy(SPEC), json.load(open(options.spec)) if options.spec else {})
    pipe = build(spec, os.path.join(options.out, "model"))
    frames = spec["num_frames"] // 4 * 4 + 1
    shape = (spec["vae"]["z_dim"], (frames - 1) // 4 + 1, spec["height"] // 8, spec["width"] // 8)
    initial = torch.randn(shape, generator=torch.Generator().manual_seed(spec["seed"] + 2))

    tensors, noise = {"denoise/initial_latents": initial}, {}
    double = copy.deepcopy(pipe)
    for module in (double.text_encoder, double.transformer, double.transformer_2, double.vae):
        module.double()
    for branch, name, text in (("prompt", "positive", spec["prompt"]), ("negative", "negative", spec["negative_prompt"])):
        ids, mask, states = encode(pipe, text)
        key = f"denoise/context_{name}"
        tensors |= {f"text/{branch}/input_ids": ids, f"text/{branch}/attention_mask": mask, key: states}
        noise[key] = largest_difference(states, encode(double, text)[2])

    kept, exact = run(pipe, spec, initial), run(double, spec, initial)
    tensors["denoise/timesteps"] = pipe.scheduler.timesteps.clone()
    tensors["denoise/sigmas"] = pipe.scheduler.sigmas.clone()
    for index in range(spec["steps"]):
        for what, got, meant in (("prediction_positive", kept["predictions"][2 * index], exact["predictions"][2 * index]),
                                 ("prediction_negative", kept["predictions"][2 * index + 1], exact["predictions"][2 * index + 1]),
                                 ("latents", kept["latents"][index], exact["latents"][index])):
            key = f"denoise/step_{index:03}/{what}"
            tensors[key] = got
            noise[key] = largest_difference(got, meant)
    tensors["decode/video"] = kept["video"]
    tensors["decode/frames"] = (kept["video"] * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    noise["decode/video"] = largest_difference(kept["video"], exact["video"])

    request = {"family": "wan", "num_inference_steps": spec["steps"]} | {
        key: spec[key] for key in ("prompt", "negative_prompt", "width", "height", "num_frames", "guidance_scale",
                                   "guidance_scale_2")}
    case = {"format": 1, "request": request, "source": "tests/golden/recipe/wan.py (diffusers WanPipeline, float32)",
            "float32_noise": noise, "shapes": {key: list(value.shape) for key, value in tensors.items()}}
    save_file({key: value.contiguous() for key, value in tensors.items()}, os.path.join(options.out, "tensors.safetensors"))
    with open(os.path.join(options.out, "case.json"), "w") as file:
        json.dump(case, file, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
