#!/usr/bin/env python3
"""Makes a golden case for Latte: a tiny model with random weights and what diffusers computes with it.

  python3 latte.py OUT_DIR [--spec spec.json]

Written for torch 2.15, diffusers 0.42, transformers 5.23, sentencepiece 0.2 (PyPI). The product needs none of them.
`spec.json` overrides the entries of SPEC below; every dimension differs on purpose, so that a swapped axis shows.
The gated variant of Pyramid Attention Broadcast is written out here after the rules in broadcast/README.md.
"""
import argparse
import copy
import io
import json
import os

import sentencepiece
import torch
from diffusers import AutoencoderKL, DDIMScheduler, LattePipeline, LatteTransformer3DModel
from diffusers import PyramidAttentionBroadcastConfig, apply_pyramid_attention_broadcast
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel, T5Tokenizer

SPEC = {
    "seed": 5,
    "prompt": "Two green kites, über the SEA",
    "negative_prompt": "blurry",
    "width": 48, "height": 32, "num_frames": 3, "steps": 6, "guidance_scale": 5.0, "eta": 0.0,
    "text": {"d_model": 24, "d_kv": 10, "d_ff": 40, "num_layers": 2, "num_heads": 3,
             "relative_attention_num_buckets": 12, "relative_attention_max_distance": 50},
    "transformer": {"num_attention_heads": 2, "attention_head_dim": 20, "in_channels": 4, "out_channels": 8,
                    "num_layers": 2, "patch_size": 2, "sample_size": 12, "video_length": 3},
    "vae": {"block_out_channels": [8, 12, 20], "layers_per_block": 1, "norm_num_groups": 4, "latent_channels": 4},
    "scheduler": {"beta_schedule": "linear", "timestep_spacing": "trailing", "prediction_type": "v_prediction",
                  "rescale_betas_zero_snr": True, "clip_sample": False},
    "pab": {"spatial": [2, 100, 900], "temporal": [3, 100, 900], "cross": [4, 100, 900],
            "mlp_key_index": 1, "mlp_skip": 2, "mlp_spatial": [0, 1], "mlp_temporal": [1]},
}
CORPUS = ["a red circle moves right", "two green kites over the sea", "blurry dark misty picture", "a tiny boat drifts",
          "the quick brown fox jumps over the lazy dog", "birds fly at night above a quiet harbour", "waves and wind"] * 4


def merge(base, changes):
    for key, value in changes.items():
        base[key] = merge(base.get(key, {}), value) if isinstance(value, dict) else value
    return base


def randomize(module, generator):
    """No parameter is trivial: matrices keep the scale of activations, norms stay near one, everything else is small."""
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = "norm" in name and name.endswith("weight") and parameter.ndim == 1
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 25
        parameter.data = 1 + 0.2 * noise if is_norm else noise / fan_in**0.5


def train_tokenizer(folder):
    os.makedirs(folder, exist_ok=True)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=model, vocab_size=150, hard_vocab_limit=False, pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, minloglevel=2)
    path = os.path.join(folder, "spiece.model")
    with open(path, "wb") as file:
        file.write(model.getvalue())
    return folder


def build(spec, folder):
    generator = torch.Generator().manual_seed(spec["seed"])
    tokenizer = T5Tokenizer.from_pretrained(train_tokenizer(os.path.join(folder, "tokenizer")), extra_ids=4)
    text = T5EncoderModel(T5Config(vocab_size=len(tokenizer), feed_forward_proj="gated-gelu", **spec["text"])).eval()
    width = spec["transformer"]["num_attention_heads"] * spec["transformer"]["attention_head_dim"]
    transformer = LatteTransformer3DModel(
        caption_channels=spec["text"]["d_model"], cross_attention_dim=width, attention_bias=True,
        activation_fn="gelu-approximate", norm_type="ada_norm_single", norm_elementwise_affine=False, norm_eps=1e-6,
        **spec["transformer"]).eval()
    levels = len(spec["vae"]["block_out_channels"])
    vae = AutoencoderKL(down_block_types=["DownEncoderBlock2D"] * levels, up_block_types=["UpDecoderBlock2D"] * levels,
                        **spec["vae"]).eval()
    for module in (text, transformer, vae):
        randomize(module, generator)
    pipe = LattePipeline(tokenizer, text, vae, transformer, DDIMScheduler(**spec["scheduler"]))
    pipe.save_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def run(pipe, spec, initial):
    """One generation; returns everything that a case keeps of it."""
    kept = {"predictions": [], "latents": [], "noise": []}
    hook = pipe.transformer.register_forward_hook(lambda module, inputs, output: kept["predictions"].append(output[0].clone()))
    dtype = next(pipe.transformer.parameters()).dtype

    def after_step(pipeline, index, timestep, values):
        kept["latents"].append(values["latents"][0].clone())
        return values

    generator = torch.Generator().manual_seed(spec["seed"] + 1)
    with torch.no_grad():
        pipe(spec["prompt"], negative_prompt=spec["negative_prompt"], width=spec["width"], height=spec["height"],
             video_length=spec["num_frames"], num_inference_steps=spec["steps"], guidance_scale=spec["guidance_scale"],
             eta=spec["eta"], generator=generator, latents=initial[None].to(dtype).clone(), clean_caption=False,
             output_type="latent", callback_on_step_end=after_step)
        latents = kept["latents"][-1] / pipe.vae.config.scaling_factor
        decoded = pipe.vae.decode(latents.transpose(0, 1)).sample  # [F, 3, Y, X]
    hook.remove()
    kept["video"] = (decoded / 2 + 0.5).clamp(0, 1)
    return kept


def encode(pipe, text):
    tokens = pipe.tokenizer(text.lower().strip(), padding="max_length", max_length=120, truncation=True, return_tensors="pt")
    with torch.no_grad():
        states = pipe.text_encoder(tokens.input_ids, attention_mask=tokens.attention_mask)[0][0]
    return tokens.input_ids[0], tokens.attention_mask[0], states


class GatedBroadcast:
    """Keeps gate * attention and gate * MLP; counts calls; names the steps that reused."""

    def __init__(self, pipe, rule, timesteps):
        self.rule, self.timesteps, self.step, self.kept, self.reused = rule, timesteps, -1, {}, {}
        pipe.transformer.register_forward_pre_hook(self.next_step)
        for kind, blocks in (("spatial", pipe.transformer.transformer_blocks),
                             ("temporal", pipe.transformer.temporal_transformer_blocks)):
            for index, block in enumerate(blocks):
                block.forward = self.forward_of(block, kind, index)

    def next_step(self, module, inputs):
        self.step += 1

    def through(self, kind, index, compute):
        period, low, high = self.rule[kind]
        if self.step % period and low < self.timesteps[self.step] < high:
            self.reused.setdefault(f"{kind}.{index}", []).append(self.step)
        else:
            self.kept[kind, index] = compute()
        return self.kept[kind, index]

    def through_mlp(self, kind, index, compute):
        t = self.timesteps[self.step]
        rules = self.rule["mlp"][kind]
        if str(t) in rules and index in rules[str(t)]["block"]:
            self.kept["mlp", kind, index] = compute()
            return self.kept["mlp", kind, index]
        for key, entry in rules.items():
            start = self.timesteps.index(int(key)) if int(key) in self.timesteps else None
            if start is not None and t in self.timesteps[start:start + entry["skip_count"] + 1]:
                if index not in entry["block"]:
                    break
                self.reused.setdefault(f"mlp_{kind}.{index}", []).append(self.step)
                return self.kept["mlp", kind, index]
        return compute()

    def forward_of(self, block, kind, index):
        def forward(x, attention_mask=None, encoder_hidden_states=None, encoder_attention_mask=None, timestep=None, *_):
            shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = (
                block.scale_shift_table[None] + timestep.reshape(x.shape[0], 6, -1)).chunk(6, dim=1)
            x = x + self.through(kind, index, lambda: gate_a * block.attn1(block.norm1(x) * (1 + scale_a) + shift_a))
            if kind == "spatial":
                x = x + self.through("cross", index, lambda: block.attn2(x, encoder_hidden_states=encoder_hidden_states))
            y = x
            return x + self.through_mlp(kind, index, lambda: gate_m * block.ff(block.norm2(y) * (1 + scale_m) + shift_m))
        return forward


def pab_rule(spec, timesteps):
    pab = spec["pab"]
    key = str(timesteps[pab["mlp_key_index"]])
    mlp = {kind: {key: {"block": pab[f"mlp_{kind}"], "skip_count": pab["mlp_skip"]}} for kind in ("spatial", "temporal")}
    return {"spatial": pab["spatial"], "temporal": pab["temporal"], "cross": pab["cross"], "mlp": mlp}


def run_ungated(pipe, spec, initial, rule):
    calls = {}
    for name, module in pipe.transformer.named_modules():
        if name.endswith((".attn1", ".attn2")) and not (name.startswith("temporal") and name.endswith("attn2")):
            plain = module.forward
            def counted(*args, plain=plain, name=name, **kwargs):
                calls[name] = calls.get(name, 0) + 1
                return plain(*args, **kwargs)
            module.forward = counted
    config = PyramidAttentionBroadcastConfig(
        spatial_attention_block_skip_range=rule["spatial"][0], spatial_attention_timestep_skip_range=tuple(rule["spatial"][1:]),
        temporal_attention_block_skip_range=rule["temporal"][0], temporal_attention_timestep_skip_range=tuple(rule["temporal"][1:]),
        cross_attention_block_skip_range=rule["cross"][0], cross_attention_timestep_skip_range=tuple(rule["cross"][1:]),
        spatial_attention_block_identifiers=("^transformer_blocks",), temporal_attention_block_identifiers=("^temporal_transformer_blocks",),
        cross_attention_block_identifiers=("^transformer_blocks",), current_timestep_callback=lambda: pipe._current_timestep)
    apply_pyramid_attention_broadcast(pipe.transformer, config)
    return run(pipe, spec, initial), calls


def largest_difference(a, b):
    return float((a.double() - b.double()).abs().max())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out")
    arguments.add_argument("--spec")
    options = arguments.parse_args()
    spec = merge(copy.deepcopy(SPEC), json.load(open(options.spec)) if options.spec else {})
    pipe = build(spec, os.path.join(options.out, "model"))
    factor = 2 ** (len(spec["vae"]["block_out_channels"]) - 1)
    shape = (spec["transformer"]["in_channels"], spec["num_frames"], spec["height"] // factor, spec["width"] // factor)
    initial = torch.randn(shape, generator=torch.Generator().manual_seed(spec["seed"] + 2))

    tensors, noise = {"denoise/initial_latents": initial}, {}
    double = copy.deepcopy(pipe)
    for module in (double.text_encoder, double.transformer, double.vae):
        module.double()
    length = None
    for branch, text in (("prompt", spec["prompt"]), ("negative", spec["negative_prompt"])):
        ids, mask, states = encode(pipe, text)
        length = length or int(mask.sum())
        tensors |= {f"text/{branch}/input_ids": ids, f"text/{branch}/attention_mask": mask, f"text/{branch}/states": states}
        noise["denoise/context"] = max(noise.get("denoise/context", 0), largest_difference(states, encode(double, text)[2]))
    branches = ["negative", "prompt"] if spec["guidance_scale"] > 1 else ["prompt"]
    tensors["denoise/context"] = torch.stack([tensors[f"text/{branch}/states"][:length] for branch in branches])

    kept, exact = run(pipe, spec, initial), run(double, spec, initial)
    timesteps = [int(t) for t in pipe.scheduler.timesteps]
    tensors["denoise/timesteps"] = torch.tensor(timesteps)
    for index in range(spec["steps"]):
        for what, values in (("prediction", "predictions"), ("latents", "latents")):
            key = f"denoise/step_{index:03}/{what}"
            tensors[key] = kept[values][index]
            noise[key] = largest_difference(kept[values][index], exact[values][index])
    tensors["decode/video"] = kept["video"]
    tensors["decode/frames"] = (kept["video"] * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    noise["decode/video"] = largest_difference(kept["video"], exact["video"])

    rule = pab_rule(spec, timesteps)
    gated_pipe = copy.deepcopy(pipe)
    broadcast = GatedBroadcast(gated_pipe, rule, timesteps)
    gated = run(gated_pipe, spec, initial)
    ungated, calls = run_ungated(copy.deepcopy(pipe), spec, initial, rule)
    for name, result in (("pab_gated", gated), ("pab_ungated", ungated)):
        tensors[f"{name}/video"] = result["video"]
        for index, latents in enumerate(result["latents"]):
            tensors[f"{name}/step_{index:03}/latents"] = latents

    request = {"family": "latte", "num_inference_steps": spec["steps"], "eta": spec["eta"]} | {
        key: spec[key] for key in ("prompt", "negative_prompt", "width", "height", "num_frames", "guidance_scale")}
    case = {"format": 1, "request": request, "source": "tests/golden/recipe/latte.py (diffusers LattePipeline, float32)",
            "pab_gated": {"rule": rule, "reused_steps": broadcast.reused},
            "pab_ungated": {"rule": rule, "computed_calls": calls}, "float32_noise": noise,
            "shapes": {key: list(value.shape) for key, value in tensors.items()}}
    save_file({key: value.contiguous() for key, value in tensors.items()}, os.path.join(options.out, "tensors.safetensors"))
    with open(os.path.join(options.out, "case.json"), "w") as file:
        json.dump(case, file, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
