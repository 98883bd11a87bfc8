#!/usr/bin/env python3
"""Makes a golden case for Open-Sora 1.2: a tiny model with random weights and what a plain PyTorch writing of it computes.

  python3 open_sora.py OUT_DIR

Written for torch 2.15, diffusers 0.42, transformers 5.23, sentencepiece 0.2 (PyPI). The product needs none of them.
The transformer, the sampler, the temporal VAE and gated Pyramid Attention Broadcast are written out here, straight from
their published descriptions; T5 and the 2-D VAE are those of transformers and diffusers. Prompts are plain, so that
cleaning only lower-cases them.
"""
import json
import math
import os
import sys

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from latte import largest_difference, randomize, train_tokenizer

SEED = 11
REQUEST = {"family": "open_sora", "prompt": "Two green kites over the SEA", "width": 45, "height": 28, "num_frames": 19,
           "num_inference_steps": 6, "guidance_scale": 5.0, "fps": 24, "aesthetic_score": 6.5, "motion_score": 3.0,
           "camera_motion": None}
FINAL_PROMPT = "two green kites over the sea aesthetic score: 6.5. motion score: 3.0."
TEXT = {"d_model": 24, "d_kv": 10, "d_ff": 40, "num_layers": 2, "num_heads": 3}
DIT = {"_class_name": "STDiT3", "depth": 2, "hidden_size": 40, "num_heads": 2, "mlp_ratio": 3.0, "in_channels": 4,
       "patch_size": [1, 2, 2], "input_sq_size": 96, "caption_channels": 24, "model_max_length": 60, "qk_norm": True,
       "pred_sigma": True}
SPATIAL = {"latent_channels": 4, "block_out_channels": [8, 8, 12, 12], "layers_per_block": 1, "norm_num_groups": 4}
TEMPORAL = {"filters": 4, "num_res_blocks": 1, "num_groups": 2}
WIDTHS = [4, 8, 8, 16]
PAB = {"spatial": [2, 100, 950], "temporal": [3, 100, 950], "cross": [4, 100, 950]}


def transformer_shapes():
    c, inner, d = DIT["hidden_size"], int(DIT["hidden_size"] * DIT["mlp_ratio"]), DIT["hidden_size"] // DIT["num_heads"]
    shapes = {"x_embedder.proj.weight": (c, 4, 1, 2, 2), "x_embedder.proj.bias": (c,),
              "y_embedder.y_embedding": (DIT["model_max_length"], DIT["caption_channels"]),
              "final_layer.scale_shift_table": (2, c)}

    def linear(name, i, o):
        shapes[name + ".weight"], shapes[name + ".bias"] = (o, i), (o,)

    for name in ("t_embedder", "fps_embedder"):
        linear(name + ".mlp.0", 256, c)
        linear(name + ".mlp.2", c, c)
    linear("t_block.1", c, 6 * c)
    linear("y_embedder.y_proj.fc1", DIT["caption_channels"], c)
    linear("y_embedder.y_proj.fc2", c, c)
    linear("final_layer.linear", c, 32)
    for kind in ("spatial", "temporal"):
        for i in range(DIT["depth"]):
            block = f"{kind}_blocks.{i}."
            shapes[block + "scale_shift_table"] = (6, c)
            shapes[block + "attn.q_norm.weight"] = shapes[block + "attn.k_norm.weight"] = (d,)
            for name, i_, o in (("attn.qkv", c, 3 * c), ("attn.proj", c, c), ("cross_attn.q_linear", c, c),
                                ("cross_attn.kv_linear", c, 2 * c), ("cross_attn.proj", c, c), ("mlp.fc1", c, inner),
                                ("mlp.fc2", inner, c)):
                linear(block + name, i_, o)
    return shapes


def temporal_shapes():
    shapes, top = {}, WIDTHS[-1]

    def conv(name, i, o, side=3, bias=True):
        shapes[name + ".conv.weight"] = (o, i, side, side, side)
        if bias:
            shapes[name + ".conv.bias"] = (o,)

    def norm(name, c):
        shapes[name + ".weight"], shapes[name + ".bias"] = (c,), (c,)

    def block(name, i, o):
        norm(name + ".norm1", i)
        conv(name + ".conv1", i, o, bias=False)
        norm(name + ".norm2", o)
        conv(name + ".conv2", o, o, bias=False)
        if i != o:
            conv(name + ".conv3", i, o, 1, False)

    conv("post_quant_conv", 4, 4, 1)
    conv("decoder.conv1", 4, top)
    block("decoder.res_blocks.0", top, top)
    width = top
    for level in (3, 2, 1, 0):
        block(f"decoder.block_res_blocks.{level}.0", width, WIDTHS[level])
        width = WIDTHS[level]
        if level >= 2:
            conv(f"decoder.conv_blocks.{level - 1}", width, 2 * width)
    norm("decoder.norm1", width)
    conv("decoder.conv_out", width, 4)
    return {"temporal_vae." + name: shape for name, shape in shapes.items()}


def random_weights(shapes, generator):
    weights = {}
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=generator)
        is_norm = "norm" in name and name.endswith("weight")
        fan_in = noise[0].numel() if noise.ndim > 1 else 25
        weights[name] = 1 + 0.2 * noise if is_norm else noise / fan_in**0.5
    return weights


class Transformer:
    def __init__(self, w, through):
        self.w, self.through, self.kind = w, through, next(iter(w.values())).dtype

    def linear(self, name, x):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def embed(self, name, value):
        frequencies = torch.exp(-math.log(10000) * torch.arange(128).float() / 128)
        angles = torch.tensor([value, value]).float()[:, None] * frequencies
        x = torch.cat([angles.cos(), angles.sin()], -1).to(self.kind)
        return self.linear(name + ".mlp.2", F.silu(self.linear(name + ".mlp.0", x)))

    def positions(self, rows, columns):
        c, scale = DIT["hidden_size"], math.sqrt(REQUEST["height"] * REQUEST["width"]) / DIT["input_sq_size"]
        base = round(math.sqrt(rows * columns))
        omega = 1.0 / 10000 ** (torch.arange(0, c // 2, 2).float() / (c // 2))
        x, y = (torch.arange(n).float() / scale * (base / n) for n in (columns, rows))
        halves = [torch.cat([(p[:, None] * omega).sin(), (p[:, None] * omega).cos()], -1) for p in (x, y)]
        return torch.cat([halves[0].repeat(rows, 1), halves[1].repeat_interleave(columns, 0)], -1).to(self.kind)

    def heads(self, x):
        return x.unflatten(-1, (DIT["num_heads"], -1)).transpose(-2, -3)

    def rotate(self, x):
        angles = torch.arange(x.shape[-2]).float()[:, None] * self.w["rope.freqs"].float()
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)

    def self_attention(self, name, x, temporal):  # [..., length, C]
        q, k, v = (self.heads(part) for part in self.linear(name + ".qkv", x).chunk(3, -1))
        q, k = (part * torch.rsqrt(part.pow(2).mean(-1, True) + 1e-6) * self.w[f"{name}.{norm}.weight"]
                for part, norm in ((q, "q_norm"), (k, "k_norm")))
        if temporal:
            q, k = self.rotate(q), self.rotate(k)
        mixed = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, -1) @ v
        return self.linear(name + ".proj", mixed.transpose(-2, -3).flatten(-2))

    def cross_attention(self, name, x, y):  # [B, N, C]
        q = self.heads(self.linear(name + ".q_linear", x))
        k, v = (self.heads(part) for part in self.linear(name + ".kv_linear", y).chunk(2, -1))
        mixed = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, -1) @ v
        return self.linear(name + ".proj", mixed.transpose(-2, -3).flatten(-2))

    def block(self, kind, i, x, y, t6):  # x [B, T, S, C]
        name = f"{kind}_blocks.{i}"
        rows = (self.w[name + ".scale_shift_table"] + t6)[:, :, None, None]
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = rows.unbind(1)
        normed = lambda z: F.layer_norm(z, z.shape[-1:], eps=1e-6)

        def attend():
            h = normed(x) * (1 + scale_a) + shift_a
            if kind == "temporal":
                return gate_a * self.self_attention(name + ".attn", h.transpose(1, 2), True).transpose(1, 2)
            return gate_a * self.self_attention(name + ".attn", h, False)

        x = x + self.through(kind, i, attend)
        x = x + self.through("cross_" + kind, i, lambda: self.cross_attention(
            name + ".cross_attn", x.flatten(1, 2), y).reshape(x.shape))
        return x + self.through("mlp_" + kind, i, lambda: gate_m * self.linear(name + ".mlp.fc2", F.gelu(self.linear(
            name + ".mlp.fc1", normed(x) * (1 + scale_m) + shift_m), approximate="tanh")))

    def __call__(self, z, t, captions):  # z [B, 4, T, h, w]
        h, w = z.shape[-2:]
        x = F.pad(z, (0, w % 2, 0, h % 2))
        x = F.conv3d(x, self.w["x_embedder.proj.weight"], self.w["x_embedder.proj.bias"], stride=(1, 2, 2))
        rows, columns = x.shape[-2:]
        x = x.permute(0, 2, 3, 4, 1).flatten(2, 3) + self.positions(rows, columns)
        te = self.embed("t_embedder", t) + self.embed("fps_embedder", 24.0)
        t6 = self.linear("t_block.1", F.silu(te)).unflatten(-1, (6, -1))
        y = self.linear("y_embedder.y_proj.fc2", F.gelu(self.linear("y_embedder.y_proj.fc1", captions), approximate="tanh"))
        for i in range(DIT["depth"]):
            x = self.block("spatial", i, x, y, t6)
            x = self.block("temporal", i, x, y, t6)
        shift, scale = (self.w["final_layer.scale_shift_table"] + te[:, None])[:, :, None, None].unbind(1)
        x = self.linear("final_layer.linear", F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift)
        x = x.reshape(2, -1, rows, columns, 2, 2, 8).permute(0, 6, 1, 2, 4, 3, 5).reshape(2, 8, -1, 2 * rows, 2 * columns)
        return x[..., :h, :w]


class Broadcast:
    """Keeps gated outputs under the rules of `PAB`; without rules computes always. Names the steps that reused."""

    def __init__(self, rules=None, timesteps=()):
        self.rules, self.timesteps, self.step, self.kept, self.reused = rules, timesteps, -1, {}, {}

    def reuses(self, kind, i):
        t = self.timesteps[self.step] if self.rules else None
        if t is None or (kind, i) not in self.kept:
            return False
        if kind.startswith("mlp"):
            spans = [(self.timesteps.index(int(key)), entry) for key, entry in self.rules["mlp"][kind[4:]].items()]
            return any(first < self.step <= first + entry["skip_count"] and i in entry["block"] for first, entry in spans)
        period, low, high = self.rules[kind.split("_")[0]]
        return self.step % period != 0 and low < t < high

    def __call__(self, kind, i, compute):
        if self.reuses(kind, i):
            self.reused.setdefault(f"{kind}.{i}", []).append(self.step)
        else:
            self.kept[kind, i] = compute()
        return self.kept[kind, i]


def schedule():
    u = [1 - i / REQUEST["num_inference_steps"] for i in range(REQUEST["num_inference_steps"])]
    r = math.sqrt(REQUEST["height"] * REQUEST["width"] / 512**2) * math.sqrt(REQUEST["num_frames"] // 17 * 5)
    return [1000 * r * x / (1 + (r - 1) * x) for x in u]


def denoise(weights, initial, captions, broadcast, kind):
    model = Transformer({name: w.to(kind) for name, w in weights.items()}, broadcast)
    z, kept, timesteps = initial.to(kind), {"predictions": [], "latents": []}, schedule()
    for t, after in zip(timesteps, timesteps[1:] + [0.0]):
        broadcast.step += 1
        prediction = model(z[None].repeat(2, 1, 1, 1, 1), t, captions.to(kind))
        prompt, null = prediction[:, :4]
        z = z + (null + REQUEST["guidance_scale"] * (prompt - null)) * ((t - after) / 1000)
        kept["predictions"].append(prediction)
        kept["latents"].append(z)
    return kept


def decode_time(w, z):  # [1, 4, T, h, w]
    def conv(name, x):
        weight = w[f"temporal_vae.{name}.conv.weight"]
        side = weight.shape[-1] // 2
        return F.conv3d(F.pad(x, (side, side, side, side, 2 * side, 0)), weight, w.get(f"temporal_vae.{name}.conv.bias"))

    def norm(name, x):
        name = "temporal_vae." + name
        return F.silu(F.group_norm(x, TEMPORAL["num_groups"], w[name + ".weight"], w[name + ".bias"], 1e-5))

    def block(name, x):
        h = conv(name + ".conv2", norm(name + ".norm2", conv(name + ".conv1", norm(name + ".norm1", x))))
        return h + (conv(name + ".conv3", x) if f"temporal_vae.{name}.conv3.conv.weight" in w else x)

    x = block("decoder.res_blocks.0", conv("decoder.conv1", conv("post_quant_conv", z)))
    for level in (3, 2, 1, 0):
        x = block(f"decoder.block_res_blocks.{level}.0", x)
        if level >= 2:
            x = conv(f"decoder.conv_blocks.{level - 1}", x)
            x = x.unflatten(1, (-1, 2)).permute(0, 1, 3, 2, 4, 5).flatten(2, 3)
    return conv("decoder.conv_out", norm("decoder.norm1", x))


def decode(weights, spatial, latents, kind):
    w = {name: value.to(kind) for name, value in weights.items()}
    spatial = spatial.to(kind)
    z, frames, left = latents.to(kind)[None] * w["scale"] + w["shift"], [], REQUEST["num_frames"]
    for group in z.split(5, 2):
        count = min(17, left)
        frames.append(decode_time(w, group)[0, :, -count:].transpose(0, 1))
        left -= count
    with torch.no_grad():
        video = spatial.decode(torch.cat(frames) / 0.18215).sample
    return (video.clamp(-1, 1) + 1) / 2


def save(folder, config, weights=None):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
    if weights:
        save_file({name: w.contiguous() for name, w in weights.items()},
                  os.path.join(folder, "diffusion_pytorch_model.safetensors"))


def build(folder):
    generator = torch.Generator().manual_seed(SEED)
    tokenizer = T5Tokenizer.from_pretrained(train_tokenizer(os.path.join(folder, "tokenizer")), extra_ids=4)
    tokenizer.save_pretrained(os.path.join(folder, "tokenizer"))
    os.remove(os.path.join(folder, "tokenizer", "tokenizer.json"))  # says again what spiece.model says
    text = T5EncoderModel(T5Config(vocab_size=len(tokenizer), feed_forward_proj="gated-gelu", **TEXT)).eval()
    spatial = AutoencoderKL(down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4, **SPATIAL).eval()
    randomize(text, generator)
    randomize(spatial, generator)
    text.save_pretrained(os.path.join(folder, "text_encoder"))
    transformer = random_weights(transformer_shapes(), generator)
    transformer["rope.freqs"] = 1.0 / 10000 ** (torch.arange(0, DIT["hidden_size"] // DIT["num_heads"], 2).float() / 20)
    save(os.path.join(folder, "transformer"), DIT, transformer)
    vae = random_weights(temporal_shapes(), generator)
    vae |= {"scale": 2 + torch.rand(1, 4, 1, 1, 1, generator=generator), "shift": torch.randn(1, 4, 1, 1, 1, generator=generator) / 2}
    decoder = {name: w for name, w in spatial.state_dict().items() if name.startswith(("decoder", "post_quant"))}
    save(os.path.join(folder, "vae"),
         {"_class_name": "VideoAutoencoderPipeline", "micro_frame_size": 17, "vae_2d": SPATIAL, "vae_temporal": TEMPORAL},
         vae | {"spatial_vae.module." + name: w for name, w in decoder.items()})
    os.makedirs(os.path.join(folder, "scheduler"), exist_ok=True)
    with open(os.path.join(folder, "scheduler", "scheduler_config.json"), "w") as file:
        json.dump({"_class_name": "RFLOW", "num_timesteps": 1000, "use_timestep_transform": True}, file)
    with open(os.path.join(folder, "model_index.json"), "w") as file:
        json.dump({"_class_name": "OpenSoraPipeline", "scheduler": ["videosys", "RFLOW"], "tokenizer": ["transformers", "T5Tokenizer"],
                   "text_encoder": ["transformers", "T5EncoderModel"], "transformer": ["videosys", "STDiT3"],
                   "vae": ["videosys", "VideoAutoencoderPipeline"]}, file, indent=1)
    return tokenizer, text, transformer, vae, spatial


def main():
    out = sys.argv[1]
    tokenizer, text, transformer, vae, spatial = build(os.path.join(out, "model"))
    tokens = tokenizer(FINAL_PROMPT, padding="max_length", max_length=DIT["model_max_length"], truncation=True, return_tensors="pt")
    with torch.no_grad():
        states = text(tokens.input_ids, attention_mask=tokens.attention_mask)[0][0]
        exact_states = text.double()(tokens.input_ids, attention_mask=tokens.attention_mask)[0][0]
    length = int(tokens.attention_mask.sum())
    context = torch.stack([states, transformer["y_embedder.y_embedding"]])
    tensors = {"text/prompt/input_ids": tokens.input_ids[0], "text/prompt/attention_mask": tokens.attention_mask[0],
               "text/prompt/states": states, "denoise/context": context, "denoise/context_mask": tokens.attention_mask.clone()}
    noise = {"denoise/context": largest_difference(states, exact_states)}
    rest = math.ceil(REQUEST["num_frames"] % 17 / 4)
    shape = (4, REQUEST["num_frames"] // 17 * 5 + rest, REQUEST["height"] // 8, REQUEST["width"] // 8)
    initial = tensors["denoise/initial_latents"] = torch.randn(shape, generator=torch.Generator().manual_seed(SEED + 1))

    timesteps = schedule()
    tensors["denoise/timesteps"] = torch.tensor(timesteps)
    noise["denoise/timesteps"] = 1e-4  # float32 near 1000
    captions = context[:, :length]
    kept, exact = (denoise(transformer, initial, captions, Broadcast(), kind) for kind in (torch.float32, torch.float64))
    for index in range(len(timesteps)):
        for what, values in (("prediction", "predictions"), ("latents", "latents")):
            key = f"denoise/step_{index:03}/{what}"
            tensors[key] = kept[values][index]
            noise[key] = largest_difference(kept[values][index], exact[values][index])
    tensors["decode/video"] = decode(vae, spatial, kept["latents"][-1], torch.float32)
    noise["decode/video"] = largest_difference(tensors["decode/video"], decode(vae, spatial, kept["latents"][-1], torch.float64))
    tensors["decode/frames"] = (tensors["decode/video"] * 255 + 0.5).floor().to(torch.uint8).permute(0, 2, 3, 1)

    whole = [int(t) for t in timesteps]
    rule = PAB | {"mlp": {"spatial": {str(whole[1]): {"block": [0, 1], "skip_count": 2}},
                          "temporal": {str(whole[2]): {"block": [1], "skip_count": 1}}}}
    broadcast = Broadcast(rule, whole)
    for index, latents in enumerate(denoise(transformer, initial, captions, broadcast, torch.float32)["latents"]):
        tensors[f"pab_gated/step_{index:03}/latents"] = latents
    case = {"format": 1, "request": REQUEST, "source": "tests/golden/recipe/open_sora.py (plain PyTorch, float32)",
            "final_prompt": FINAL_PROMPT, "pab_gated": {"rule": rule, "reused_steps": broadcast.reused},
            "float32_noise": noise, "shapes": {key: list(value.shape) for key, value in tensors.items()}}
    save_file({key: value.contiguous() for key, value in tensors.items()}, os.path.join(out, "tensors.safetensors"))
    with open(os.path.join(out, "case.json"), "w") as file:
        json.dump(case, file, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
