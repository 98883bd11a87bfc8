"""The works of ../works with PyTorch: the modules that people use there, on the files that `bench_work files` wrote.

    pytorch.py WORK DTYPE FOLDER THREADS DEVICE      DTYPE f32, bf16 or f64, DEVICE cpu or cuda
Then it obeys lines of standard input like bench_work: run TIMES, output FILE, and
    error FILE    relative RMS difference between the tensor "output" of FILE and its own last result
    versions      of the packages
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f64": torch.float64}
HEADS, HEAD = 16, 72
CHANNELS = HEADS * HEAD
Run = Callable[[], Tensor]


class Files:
    def __init__(self, folder: Path, dtype: torch.dtype, device: str) -> None:
        self.folder = folder
        self.dtype = dtype
        self.device = device

    def weights(self, prefix: str = "") -> dict[str, Tensor]:
        every = load_file(self.folder / "weights.safetensors", device=self.device)
        return {name.removeprefix(prefix): value.to(self.dtype) for name, value in every.items() if name.startswith(prefix)}

    def input(self, name: str) -> Tensor:
        return load_file(self.folder / "inputs.safetensors", device=self.device)[name].to(self.dtype)


def attention(files: Files, over_frames: bool) -> Run:
    """Queries, keys and values as a projection of the attended rows gives them: contiguous, a tensor each. The copies that bring
    frames together before are not counted.
    """
    rows = files.input("qkv")[0]
    rows = rows.transpose(0, 1) if over_frames else rows
    q, k, v = (part.contiguous().unflatten(-1, (HEADS, HEAD)).transpose(1, 2) for part in rows.chunk(3, -1))

    def run() -> Tensor:
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(q.shape[0], q.shape[2], CHANNELS)
        return (mixed.transpose(0, 1) if over_frames else mixed)[None]

    return run


def block_pair(files: Files) -> Run:
    """As LatteTransformer3DModel.forward calls its blocks."""
    from diffusers.models.attention import BasicTransformerBlock

    def block(name: str, text_channels: int | None) -> BasicTransformerBlock:
        made = BasicTransformerBlock(
            CHANNELS, HEADS, HEAD, cross_attention_dim=text_channels, activation_fn="gelu-approximate", num_embeds_ada_norm=1000,
            attention_bias=True, norm_type="ada_norm_single", norm_elementwise_affine=False, norm_eps=1e-6,
        )  # fmt: skip
        made.to(files.dtype).load_state_dict(files.weights(name + "."))
        return made.eval()

    spatial, temporal = block("spatial", CHANNELS), block("temporal", None)
    x, text, times = files.input("x")[0], files.input("text"), files.input("time").flatten(1)
    frames, patches = x.shape[:2]
    text_of_frames, times_of_frames = text.repeat(frames, 1, 1), times.repeat(frames, 1)
    times_of_patches = times.repeat(patches, 1)

    def run() -> Tensor:
        h = spatial(x, None, text_of_frames, None, times_of_frames, None, None)
        h = h[None].permute(0, 2, 1, 3).reshape(patches, frames, CHANNELS)
        h = temporal(h, None, None, None, times_of_patches, None, None)
        return h[None].permute(0, 2, 1, 3).reshape(1, frames, patches, CHANNELS)

    return run


def t5_block(files: Files) -> Run:
    from transformers import T5Config, T5EncoderModel

    form = T5Config(vocab_size=128, d_model=4096, d_kv=64, d_ff=10240, num_layers=1, num_heads=64, feed_forward_proj="gated-gelu")
    model = T5EncoderModel(form).to(files.dtype).eval()
    missing, unexpected = model.load_state_dict(files.weights(), strict=False)
    if unexpected or set(missing) - {"encoder.embed_tokens.weight"}:  # the same tensor as shared.weight
        raise ValueError(f"weights: missing {missing}, unexpected {unexpected}")
    ids = torch.arange(120)[None]
    mask = torch.ones_like(ids)
    return lambda: model(ids, mask).last_hidden_state[0]


def vae_256(files: Files) -> Run:
    from diffusers import AutoencoderKL

    kinds = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    vae = AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, **kinds).to(files.dtype).eval()
    missing, unexpected = vae.load_state_dict(files.weights(), strict=False)
    if unexpected or any(not name.startswith(("encoder.", "quant_conv.")) for name in missing):
        raise ValueError(f"weights: missing {missing}, unexpected {unexpected}")
    latents = files.input("latents").permute(1, 0, 2, 3) / vae.config.scaling_factor
    return lambda: (vae.decode(latents).sample / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)


def latte_step(files: Files) -> Run:
    from diffusers import LatteTransformer3DModel

    form = {
        "_class_name": "LatteTransformer3DModel", "num_attention_heads": HEADS, "attention_head_dim": HEAD, "in_channels": 4,
        "out_channels": 8, "num_layers": 28, "cross_attention_dim": CHANNELS, "attention_bias": True, "sample_size": 32,
        "patch_size": 2, "activation_fn": "gelu-approximate", "num_embeds_ada_norm": 1000, "norm_type": "ada_norm_single",
        "norm_elementwise_affine": False, "norm_eps": 1e-6, "caption_channels": 4096, "video_length": 16,
    }  # fmt: skip
    folder = files.folder / "transformer"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(form))
    link = folder / "diffusion_pytorch_model.safetensors"
    if not link.is_symlink():
        link.symlink_to(files.folder.resolve() / "weights.safetensors")
    model = LatteTransformer3DModel.from_pretrained(folder, dtype=files.dtype).to(files.device).eval()
    latents, text, times = files.input("latents"), files.input("text"), torch.tensor([500, 500])
    return lambda: model(latents, times, encoder_hidden_states=text).sample


def demo(files: Files, steps: int) -> Run:
    from diffusers import LattePipeline

    pipeline = LattePipeline.from_pretrained(files.folder / "model", dtype=files.dtype).to(files.device)
    pipeline.set_progress_bar_config(disable=True)
    form = pipeline.transformer.config
    side = pipeline.vae_scale_factor * form.sample_size
    shape = (1, form.in_channels, form.video_length, form.sample_size, form.sample_size)
    noise = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(1), device="cpu").to(files.device, files.dtype)

    def run() -> Tensor:
        frames = pipeline(
            "a red circle moves right on a blue background", latents=noise, num_inference_steps=steps, guidance_scale=4.0,
            height=side, width=side, video_length=form.video_length, output_type="np", clean_caption=False,
        ).frames  # fmt: skip
        return torch.as_tensor(frames[0])

    return run


WORKS: dict[str, Callable[[Files], Run]] = {
    "temporal_256x16": lambda files: attention(files, over_frames=True),
    "spatial_16x256": lambda files: attention(files, over_frames=False),
    "spatial_4x1024": lambda files: attention(files, over_frames=False),
    "block_pair": block_pair,
    "t5_block": t5_block,
    "vae_256": vae_256,
    "demo": lambda files: demo(files, 25),
    "demo_step": lambda files: demo(files, 1),
    "latte_step": latte_step,
}


def relative_error(found: Tensor, wanted: Tensor) -> float:
    wanted = wanted.double().reshape(found.shape)
    return ((found.double() - wanted).norm() / wanted.norm()).item()


def versions() -> str:
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in ("torch", "diffusers", "transformers"))


def answer(line: str, run: Run, last: list[Tensor]) -> str:
    command, _, argument = line.partition(" ")
    if command == "run":
        last.clear()
        begin = time.perf_counter()
        for _ in range(int(argument)):
            last[:] = [run()]
        if last[0].is_cuda:
            torch.cuda.synchronize()
        return str((time.perf_counter() - begin) / int(argument))
    if command == "output":
        save_file({"output": last[0].float().cpu().contiguous()}, argument)
        return "written"
    if command == "error":
        return str(relative_error(load_file(argument)["output"], last[0].cpu()))
    if command == "versions":
        return versions()
    raise ValueError(f"expected run TIMES, output FILE, error FILE or versions, got {line!r}")


def main() -> None:
    work, dtype, folder, threads, device = sys.argv[1:]
    torch.set_num_threads(int(threads))
    with torch.inference_mode(), torch.device(device):
        run = WORKS[work](Files(Path(folder), DTYPES[dtype], device))
        print("ready", flush=True)
        last: list[Tensor] = []
        for line in sys.stdin:
            print(answer(line.rstrip("\n"), run, last), flush=True)


if __name__ == "__main__":
    main()
