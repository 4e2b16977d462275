"""Train Patho-GAN by the JAX reference (`patho_gan_jax.py`), several seeds side by side: for long runs on a GPU.

    KERAS_BACKEND=jax python tests/oracles/train_patho_gan_jax.py judge.npz out/ --which low --seeds 0,1,2 --steps 8000

judge.npz holds the classifier's weights by name (conv1/kernel, ...). In out/ it leaves for each seed the generator's
weights, half of their digits, in the order of `generator.weights`, the course of the losses, and a sheet of samples.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import keras
import matplotlib.image
import numpy as np
import patho_gan_jax
from jax import lax

from lookinside.models.patho_gan import patho_discriminator, patho_generator


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("judge", help="weights of the classifier, .npz; '-' for the plain GAN")
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", default="", help="of the files; by default what --which says")
    parser.add_argument("--which", default="low", choices=("low", "high"))
    parser.add_argument("--trade-off", type=float, default=1000.0)
    parser.add_argument("--pixel-weight", type=float, default=0.0)
    parser.add_argument("--eyes", help="drawn eyes kept by an earlier run, .npz; drawn anew without")
    parser.add_argument("--count", type=int, default=800)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--base", type=int, default=12)
    parser.add_argument("--discriminator-base", type=int, default=12)
    parser.add_argument("--discriminator-norm", default="instance")
    parser.add_argument("--depth", type=int, default=5)
    parser.add_argument("--noise", type=int, default=64)
    parser.add_argument("--noise-std", type=float, default=0.01)
    parser.add_argument("--chunk", type=int, default=250, help="steps between two looks at the clock")
    parser.add_argument("--initializer", default="he_normal", help="of the generator")
    parser.add_argument("--rates", default="0.002,0.001", help="of generator and discriminator, falling to 0")
    parser.add_argument("--seconds", type=float, default=1e9, help="fewer steps where they would take longer")
    return parser.parse_args()


def eyes(told):
    """Photographs of drawn eyes with glaucoma, and their vessels, float32."""
    if told.eyes:
        with np.load(told.eyes) as file:
            images, vessels = file["i"], file["v"]
    else:
        from lookinside.data import phantom_eyes

        drawn = phantom_eyes("train", told.count, told.size, 0, glaucoma=1.0)
        images, vessels = drawn.images, drawn.masks["vessels"]
    return jnp.asarray(images / np.float32(255)), jnp.asarray(vessels[..., None].astype("float32"))


def networks(told, seed):
    """Generator and discriminator as the library makes them from a seed."""
    keras.utils.set_random_seed(seed)
    shape = (told.size, told.size, 3)
    norm = None if told.discriminator_norm == "none" else told.discriminator_norm
    generator = patho_generator(shape, base=told.base, depth=told.depth, noise=told.noise, initializer=told.initializer)
    return generator, patho_discriminator(shape, base=told.discriminator_base, depth=told.depth, normalization=norm)


def main():
    """Train, and write what is left."""
    told = options()
    name = told.name or ("plain" if told.judge == "-" else told.which)
    seeds = [int(one) for one in told.seeds.split(",")]
    photographs, vessels = eyes(told)
    judge = None
    if told.judge != "-":
        judge = patho_gan_jax.Judge(dict(np.load(told.judge)), told.size / 30, 4.0)
    generator, discriminator = networks(told, seeds[0])
    how = {"trade_off": told.trade_off, "noise_std": told.noise_std, "pixel": told.pixel_weight}
    how["rates"] = [float(one) for one in told.rates.split(",")]
    step = patho_gan_jax.make_step(generator, discriminator, judge, told.which, **how)
    starts = [[[v.value for v in one.trainable_variables] for one in networks(told, seed)] for seed in seeds]
    starts = [(*both, *(patho_gan_jax.fresh(one) for one in both)) for both in starts]
    state = jax.tree.map(lambda *same: jnp.stack(same), *starts)

    def one_step(state, key, total):
        which, over, across, noise = jax.random.split(key, 4)
        chosen = jax.random.randint(which, (told.batch,), 0, len(photographs))
        both = [vessels[chosen], photographs[chosen]]
        for axis, coin in ((1, over), (2, across)):
            turned = jax.random.bernoulli(coin, 0.5, (told.batch, 1, 1, 1))
            both = [jnp.where(turned, jnp.flip(one, axis), one) for one in both]
        return step(state, noise, *both, total)

    def some_steps(state, keys, total):
        return lax.scan(lambda state, key: one_step(state, key, total), state, keys)

    several = jax.jit(jax.vmap(some_steps, in_axes=(0, 0, None)))
    keys = jax.vmap(jax.random.PRNGKey)(jnp.array(seeds))
    rows, began, total, done = [], time.time(), told.steps, 0
    while done < total:
        split = jax.vmap(lambda key: jax.random.split(key, told.chunk + 1))(keys)
        keys = split[:, 0]
        state, losses = several(state, split[:, 1:], jnp.float32(total))
        done += told.chunk
        rows.append([done, *np.asarray(losses).mean((0, 1)).round(4).tolist(), round(time.time() - began, 1)])
        if len(rows) == 3:  # the first ones compile
            each = (rows[2][-1] - rows[1][-1]) or 1e-3
            total = min(total, done + told.chunk * max(int((told.seconds - rows[2][-1]) / each), 0))
    print(name, "steps", rows[-1][0], "losses", rows[-1][1:4], "seconds", rows[0][-1], rows[-1][-1], flush=True)
    told.out.mkdir(parents=True, exist_ok=True)
    for place, seed in enumerate(seeds):
        weights = [one[place] for one in state[0]]
        halves = {f"{number:03d}": np.asarray(one, "float16") for number, one in enumerate(weights)}
        np.savez_compressed(told.out / f"{name}_{seed}.npz", **halves)
        code = told.noise_std * jax.random.normal(jax.random.PRNGKey(9), (8, told.noise))
        drawn = generator.stateless_call(weights, [], [vessels[:8], code])[0]
        sheet = [np.concatenate(list(np.asarray(one)), axis=1) for one in (photographs[:8], drawn)]
        matplotlib.image.imsave(told.out / f"{name}_{seed}.png", np.concatenate(sheet))
    settings = {key: str(value) for key, value in vars(told).items() if key not in ("out", "eyes", "judge")}
    text = {"settings": settings, "device": jax.devices()[0].device_kind, "rows": rows}
    (told.out / f"{name}.json").write_text(json.dumps(text))


if __name__ == "__main__":
    main()
