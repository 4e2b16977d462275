# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# # Chapter 2: four networks, five organs, and why the order comes out as it does
#
# **The paper's claim.** LeNet, AlexNet and GoogLeNet were made for digits and photographs. On medical images of five organs they
# reach 59, 74 and 45 %. A smaller AlexNet reaches 81 %. The authors look at the feature maps and find the reason there: the other
# networks have too many layers, and most of their maps are "dumped out".
#
# S. Khan and S.-P. Yong, *A Deep Learning Architecture for Classifying Medical Images of Anatomy Object*, 2016.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **What you will have built**
#
# - images of five organs in CT, MRI, PET, ultrasound and X-ray, drawn by formula, with every part known,
# - the paper's four networks, layer by layer, with the local response normalisation and the two side heads,
# - a count of "dumped out" maps in place of a look at them,
# - controlled experiments: one change at a time, to see which one turns the order,
# - the test that decides: the same image drawn again **without its organ**.
#
# **Cost** (quick profile, two CPU cores): about two and a half minutes and 2.5 GB; no GPU, no download.

# %% [markdown] slideshow={"slide_type": "notes"}
# The one idea to carry home: a table of accuracies says which network won, not why. A reason is a claim of its own, and it needs an
# experiment of its own, in which only that one thing changes. Sections 2 to 6 fit one lecture, 7 to 11 a second one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. Set-up

# %% slideshow={"slide_type": "skip"}
import functools
import hashlib

import keras
import numpy as np

from lookinside import explain, figures, phantoms, training
from lookinside.course import Results, check, profile, progress, record_result, set_up, trials
from lookinside.data import load_images, phantom_organs
from lookinside.errors import LookInsideError
from lookinside.layers import LocalResponseNormalization
from lookinside.models import KHAN_YONG_TABLE, alexnet, googlenet, inference_model, khan_cnn, layer_table, lenet

SEED = profile.seed
set_up(seed=SEED)
print(profile)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 2. The images
#
# The paper took 37,198 images of five organs from an open collection of the National Library of Medicine. Nobody knows which ones.
# We cut our own from a **phantom**: a person made of named ellipsoids. What a scanner would measure of each tissue stands in one
# table, with its sources: `phantoms.MATERIALS`.

# %% slideshow={"slide_type": "skip"}
size = profile.pick(quick=64, desk=64, paper=224)
SIZES = profile.pick(  # training images in all: equal steps on a logarithmic scale
    quick=(80, 220, 600), desk=(100, 178, 316, 562, 1000, 1778, 3160), paper=(580, 1160, 2310, 4620, 9250, 18500, 37000)
)
PAIRED_COUNT = profile.pick(quick=220, desk=1000, paper=9250)
tests = profile.pick(quick=150, desk=500, paper=500)  # as in the paper: 100 of each organ


@functools.cache
def _images(part, seed, dataset, cells, without):
    if dataset != "phantoms":
        return load_images(dataset, part, size)
    drawn = max(SIZES) if cells == phantoms.ORGANS else PAIRED_COUNT  # for section 9
    count = (tests if part == "test" else drawn) // 5
    cells = dict(cells) if isinstance(cells[0], tuple) else cells
    return phantom_organs(part, cells, count, size, 0 if part == "test" else seed, without=without, progress=progress)


def images(part, seed, dataset=None, cells=phantoms.ORGANS, without=()):
    """The training or test part of a set. Test images are the same for every network and seed."""
    return _images(part, seed, dataset or profile.dataset, cells, without)


test = images("test", SEED)
classes = test.class_names
everything = images("train", SEED)


# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### Five organs, five modalities

# %% alt="A sheet of 25 images: lung, liver, heart, kidney and lumbar spine in rows, CT, MRI, PET, ultrasound and X-ray in columns." slideshow={"slide_type": "-"} tags=["hide-input"]
SHEET = {m: m.upper() if len(m) <= 3 else m.capitalize() for m in phantoms.MODALITIES} | {"xray": "X-ray"}
grid = [(organ, modality) for organ in phantoms.ORGANS for modality in phantoms.MODALITIES]
pictures = [phantoms.organ_image(organ, modality, 11, size=128).image for organ, modality in grid]
note = f"one person; rows: {', '.join(phantoms.ORGANS).replace('_', ' ')}; columns: {', '.join(SHEET.values())}"
figures.image_sheet(pictures, columns=5, note=note)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The same organ, eight people
#
# The paper's first figure: images of one class differ more than images of two classes. Person, plane, field of view, contrast medium
# and disease change from image to image. A quarter of the images show a lesion.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Hearts and kidneys

# %% alt="Eight images each of heart and of kidney from the training set, in several modalities and planes." slideshow={"slide_type": "-"} tags=["hide-input"]
pair = [name for name in ("heart", "kidney") if name in classes] or list(classes[:2])
shown = [
    i for name in pair for i in np.flatnonzero(everything.labels == classes.index(name))[:: len(everything) // 45][:8]
]
named = [f"{classes[everything.labels[i]].replace('_', ' ')}" for i in shown]
figures.image_sheet(everything.images[shown], named, columns=8, panel=1.25, note=f"{size} x {size} pixels")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 3. The four networks
#
# - **LeNet** (LeCun et al. 1998): two convolutions, made for digits of 32 x 32 pixels.
# - **AlexNet** (Krizhevsky et al. 2012): five convolutions and two hidden layers of 4,096 units. It won ImageNet in 2012.
# - **GoogLeNet** (Szegedy et al. 2015): 22 layers deep, in nine *inception modules*. Each module runs filters of 1 x 1, 3 x 3 and
#   5 x 5 pixels side by side and stacks their maps. Two **auxiliary heads** after modules 4a and 4d name the class, too. They only
#   serve training: they bring the gradient to the early layers.
# - **The proposed net**: AlexNet with four convolutions and without dropout.

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
NETS = {"LeNet": lenet, "AlexNet": alexnet, "GoogLeNet": googlenet, "proposed": khan_cnn}
proposed = khan_cnn((227, 227, 1), 5)
ours = {row.name: row for row in layer_table(proposed)}
table_i = [
    {"layer": name, "in the paper": what, "where": where, "ours": str(ours[name].shape), "weights": ours[name].weights}
    for where, what, name in KHAN_YONG_TABLE
]
figures.table(table_i, row_name="layer", note="images of 227 x 227 pixels; the paper has no layer of five outputs")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### Predict: how many weights?
#
# The paper says that AlexNet overfits "because of its large number of parameters", and that GoogLeNet fails because of its number of
# layers. Divide AlexNet's number of weights by GoogLeNet's (without its auxiliary heads), both for 1,000 classes. What comes out?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_weights = 0.5  # 22 layers must have more weights than 8

# %% slideshow={"slide_type": "subslide"} tags=["cut", "hide-input"]
weights = {"AlexNet": alexnet((227, 227, 3), 1000).count_params()}
weights["GoogLeNet"] = googlenet((224, 224, 3), 1000, auxiliary=False).count_params()
keras.backend.clear_session()
check(
    my_guess_weights,
    round(weights["AlexNet"] / weights["GoogLeNet"], 1),
    f"{weights['AlexNet']:,} against {weights['GoogLeNet']:,}. Nine tenths of AlexNet's stand in its fully connected layers.",
    tolerance=2,
)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 4. The paper's equations, by hand
#
# **Equation 1**, a convolution. The paper writes
#
# $$Y^l_{i,j} = \sum_{a=0}^{m-1} \sum_{b=0}^{m-1} W_{ab} \, X^{l-1}_{(i+a)(j+b)}$$
#
# Two things are missing. An image with several channels needs a sum over them, and every filter has a bias $\beta$:
#
# $$Y_{i,j} = \beta + \sum_{c} \sum_{a,b} W_{abc} \, X_{(i+a)(j+b)c}$$
#
# **Equation 2** is the ReLU: $y = \max(0, Y)$.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### Predict: one number of a convolution
#
# The first channel of $X$ is the left grid below, the second one is all ones. $W$ is 1 in the left column and -1 in the right one, in
# both channels. The bias is 2. What is $Y$ at the upper left?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_y = 3

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Equations 1 and 2 in a few lines

# %% alt="Three number grids: the first channel of X, the 2 by 2 result Y, and Y after the ReLU." slideshow={"slide_type": "-"}
X = np.stack([[[1, 2, 0, 3], [0, 4, 5, 1], [2, 0, 1, 6], [3, 1, 0, 2]], np.ones((4, 4))], axis=-1)
W = np.zeros((3, 3, 2))
W[:, 0], W[:, 2], bias = 1, -1, 2
Y = np.array([[(X[i : i + 3, j : j + 3] * W).sum() + bias for j in range(2)] for i in range(2)])
y = np.maximum(0, Y)
figures.number_grids({"X, first channel": X[..., 0], "Y": Y, "after the ReLU": y}, note="Equations 1 and 2")

# %% slideshow={"slide_type": "subslide"}
convolution = keras.layers.Conv2D(1, 3, activation="relu")
convolution.build((None, 4, 4, 2))
convolution.set_weights([W[..., None], np.array([2.0])])
assert np.allclose(convolution(X[None].astype("float32"))[0, ..., 0], y)
check(
    my_guess_y, Y[0, 0], "(1 + 0 + 2) - (0 + 5 + 1) in the first channel, 3 - 3 in the second, and the bias: 3 - 6 + 2."
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Local response normalisation
#
# conv1 is "subjected to local response normalization" (Krizhevsky et al. 2012, section 3.3). A value is divided by a term that grows
# with the same pixel's values in the $n$ neighbouring *maps*:
#
# $$b_i = a_i \Big/ \Big(k + \alpha \sum_{j} a_j^2\Big)^{\beta}$$
#
# Take $a = (1, 2, 0, 4)$, $n = 3$, $k = 1$, $\alpha = 1$, $\beta = 1$: the second value becomes $2 / (1 + 1 + 4 + 0) = 1/3$.

# %% slideshow={"slide_type": "-"}
a = np.array([1, 2, 0, 4], "float32")
b = [a[i] / (1 + (a[max(0, i - 1) : i + 2] ** 2).sum()) for i in range(4)]
by_layer = LocalResponseNormalization(n=3, k=1.0, alpha=1.0, beta=1.0)(a.reshape(1, 1, 1, 4))
assert np.allclose(by_layer, b), "ours and the layer's"

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### Dropout: what is p?
#
# **Equation 3** is $y = w (l \odot r) + b$ with a mask $r$ of zeros and ones. The paper says that a proportion $p$ is set to *zero*.
# One sentence later, $p$ is the probability of being *one*. For $p = 0.5$ both are the same; for GoogLeNet's 0.4 they are not.
# And something is missing: half of the units give half of the sum. Today's dropout therefore divides what is left by the share kept.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### Predict: what comes out of Keras' dropout?
#
# `keras.layers.Dropout(0.25)` gets a million ones while it trains. What is the largest number that comes out?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_dropout = 1

# %% slideshow={"slide_type": "subslide"} tags=["cut"]
ones = np.ones((1, 1_000_000), "float32")
dropped = np.array(keras.layers.Dropout(0.25, seed=SEED)(ones, training=True))
print(f"share of zeros {(dropped == 0).mean():.3f}, largest {dropped.max():.3f}, mean {dropped.mean():.3f}")
check(
    my_guess_dropout,
    float(dropped.max()),
    "A quarter is dropped; the rest is divided by 0.75, so the mean stays 1.",
    tolerance=0.01,
)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### "The gradient will forever be zero"
#
# The paper leaves dropout out, because a masked unit "will never activate on any data point again". Is that so? One unit,
# $y = \max(0, w x + b)$, learns to say 1. We count on which share of the data it is active, after each step.

# %% slideshow={"slide_type": "-"}
x = np.linspace(0.5, 1.5, 11)


def active_share(rate, masked):
    """Share of the data on which one unit is active, after each of six steps of gradient descent."""
    w, b, shares = 1.0, 0.5, []
    for step in range(6):
        out = np.maximum(0, w * x + b)
        gradient = 2 * (out - 1) * (out > 0) * (0 if masked and step % 2 == 0 else 1)
        w, b = w - rate * (gradient * x).mean(), b - rate * gradient.mean()
        shares.append((w * x + b > 0).mean())
    return shares


# %% slideshow={"slide_type": "subslide"} tags=["cut", "hide-input"]
stories = {
    "every second step masked": active_share(0.1, True),
    "learning rate 20 times as high": active_share(2.0, False),
}
figures.table(
    {name: {f"step {i + 1}": share for i, share in enumerate(shares)} for name, shares in stories.items()},
    units={f"step {i + 1}": "%" for i in range(6)}, digits={f"step {i + 1}": 0 for i in range(6)},
    row_name="active on", note="one unit with a ReLU, eleven inputs",
)  # fmt: skip

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# **A masked unit rests for one step.** At the next step another mask is drawn, and its gradient is back. What the paper describes is a
# *dying ReLU*: one step that is too long pushes the unit below zero for all data, and there its gradient is zero for good. The cause
# is the learning rate, or a bad start. Keep it in mind for section 7.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5. Training
#
# As in the paper: stochastic gradient descent with learning rate 0.01, momentum 0.9, weight decay 0.0005, a fifth of the training
# images to validate. Its 30 to 60 epochs are many steps on a large set and few on a small one. We compare at equal **steps**.
#
# A *change* is one thing that differs from the published recipe. Section 8 tries them one by one.

# %% slideshow={"slide_type": "skip"}
width = profile.pick(quick=0.25, desk=0.25, paper=1.0)  # share of the published maps in every layer
STEPS = profile.pick(quick=100, desk=1000, paper=20_000)
BATCH = profile.pick(quick=16, desk=32, paper=64)
CHANGES = {
    "as published": {},
    "learning rate x 0.1": {"rate": 0.001},
    "learning rate x 10": {"rate": 0.1},
    "batch normalisation": {"batch_norm": True},
    "He start": {"initializer": "he_normal", "pixel_range": (-1.0, 1.0)},
    "no auxiliary heads": {"auxiliary": False},
    "no dropout": {"dropout": False},
    "narrow fc layers": {"fc_units": 512},
}
ONLY = {
    "no auxiliary heads": ("GoogLeNet",),
    "no dropout": ("AlexNet", "GoogLeNet"),
    "narrow fc layers": ("AlexNet", "proposed"),
}


# %% slideshow={"slide_type": "skip"}
@functools.cache
def _trained(network, seed, count, change, cells, dataset):
    full = images("train", seed, dataset, cells)
    if count < len(full):
        full = full.split(count / len(full), seed=seed)[1]
    train, validation = full.split(0.2, seed=seed)
    keras.utils.set_random_seed(seed)
    options = {"width": width, "weight_decay": 5e-4} | CHANGES[change]
    optimizer = keras.optimizers.SGD(options.pop("rate", 0.01), momentum=0.9)
    model = NETS[network](full.shape, len(full.class_names), **options)
    options = {"steps": STEPS, "batch_size": BATCH, "patience": None, "seed": seed, "optimizer": optimizer}
    folder = profile.run_folder("02_anatomy_architectures", dataset, network, seed, count, change)
    history = training.fit_classifier(model, train, validation, run_folder=folder, progress=progress, **options)
    return inference_model(model), history


def trained(network, seed, count, change="as published", cells=phantoms.ORGANS, dataset=None):
    """A trained network and its history; once trained it is kept."""
    return _trained(network, seed, count, change, cells, dataset or profile.dataset)


# %% slideshow={"slide_type": "skip"}
def measure(network, seed, images, change="as published"):
    """One row of the record."""
    settings = {"size": size, "width": width, "batch": BATCH, "steps": STEPS, "test": len(test)}
    try:
        model, history = trained(network, seed, images, change)
    except LookInsideError as error:
        if "nan" not in str(error):
            raise
        return {"settings": settings, "values": {"diverged": True}}
    score = training.evaluate_classifier(model, test)
    dead = explain.dead_maps(model, test.subset(np.arange(len(test)) % 5 == 0).pixels)
    values = {"accuracy": score.accuracy, "validation_accuracy": max(history.curves["val_accuracy"])}
    values |= {"validation_loss": min(history.curves["val_loss"]), "runtime": sum(history.seconds)}
    values |= {"steps": history.steps, "curve": history.curves["val_accuracy"], "last_loss": history.curves["loss"][-1]}
    values |= {"dead": dead.overall["dead"], "zero": dead.overall["zero"]}
    if images == max(SIZES) and profile.on_phantoms and profile.name != "quick":
        values |= looked_into(model)
    return {"settings": settings, "values": values}


def looked_into(model):
    """For the record: what section 9 explains for one network."""
    whole = training.evaluate_classifier(model, test)
    left = training.evaluate_classifier(model, images("test", SEED, without="organ"))
    lost = {m: explain.paired_difference(whole.right[own], left.right[own]) for m, own in of_modality.items()}
    return {"without_organ": left.accuracy, "lost": {"all": explain.paired_difference(whole.right, left.right)} | lost}


# %% slideshow={"slide_type": "skip"} tags=["sweep"]
results = Results("02_anatomy_architectures")
of_modality = {m: np.array(test.tags["modality"]) == m for m in sorted(set(test.tags["modality"]))}
SIZES = tuple(min(count, len(everything)) for count in SIZES)  # a real set may be smaller
largest, *smaller = sorted(set(SIZES), reverse=True)
TRIALS = trials(network=list(NETS), seed=profile.seeds, images=largest)
tried = ("batch normalisation",) if profile.name == "quick" else list(CHANGES)[1:]
for change in tried:
    able = ONLY.get(change, ("AlexNet", "proposed") if profile.name == "quick" else NETS)
    TRIALS += trials(network=list(able), seed=profile.seeds, images=largest, change=change)
TRIALS += trials(network=list(NETS), seed=profile.seeds, images=smaller)
rows = results.sweep(TRIALS, measure)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### Predict: which network is best?
#
# Four networks, the same images, the same number of steps. Name the one that does best on the test images.

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_best = "GoogLeNet"

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### Figures 4, 5, 6 and 12: the learning curves

# %% alt="Two panels: cross-entropy and accuracy over epochs for the four networks, training thin and validation thick." slideshow={"slide_type": "-"} tags=["hide-input"]
nets, histories = {}, {}
for name in NETS:
    nets[name], histories[name] = trained(name, SEED, max(SIZES))
scores = {name: training.evaluate_classifier(net, test) for name, net in nets.items()}
figures.learning_curves({name: history.curves for name, history in histories.items()})

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### Table II
#
# The paper's figures beside ours. Its runtimes are of a laptop's GPU and 37,198 images, so only their order can be compared.

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
PAPER_II = {"LeNet": (1655, 1.3, 0.58, 0.59), "AlexNet": (33466, 1.39, 0.65, 0.74)}
PAPER_II |= {"GoogLeNet": (52470, 1.2, 0.55, 0.45), "proposed": (16728, 0.67, 0.766, 0.81)}
table_ii = {}
for name, history in histories.items():
    seconds, loss, _, accuracy = PAPER_II[name]
    table_ii[name] = {"time in the paper": seconds, "ours": round(sum(history.seconds), 1)}
    table_ii[name] |= {"val. loss in the paper": loss, "our loss": min(history.curves["val_loss"])}
    table_ii[name] |= {"test in the paper": accuracy, "our test": scores[name].accuracy}
note = f"in brackets: 95 % over {len(test)} test images (Wilson); chance is 20 %"
units = {"test in the paper": "%", "our test": "%", "time in the paper": "s", "ours": "s"}
order = sorted(scores, key=lambda name: -scores[name].accuracy[0])
gap, low, high = (100 * one for one in explain.paired_difference(scores[order[0]].right, scores[order[1]].right))
also = order[1] if low <= 0 else None
reason = f"{order[0]} is {gap:.1f} points ahead of {order[1]} [{low:.1f}, {high:.1f}], the last is {order[-1]}."
check(my_guess_best, order[0], reason, also=also)
figures.table(table_ii, units=units, best={"our test": "high"}, note=note, row_name="network")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6. What the paper looked at
#
# Figures 7 to 11 show filters and feature maps.
#
# The authors look at the filters of the first convolution and miss edges in LeNet's and GoogLeNet's.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Filters of the first layer

# %% alt="Rows of small grey squares: eight filters of the first convolution of each of the four networks." slideshow={"slide_type": "-"} tags=["hide-input"]
filters, names = [], []
for name, net in nets.items():
    kernels = np.moveaxis(net.get_layer("conv1").get_weights()[0][:, :, 0], -1, 0)[:8]
    filters += [(k - k.min()) / (np.ptp(k) + 1e-9) for k in kernels] + [np.ones((2, 2))] * (8 - len(kernels))
    names += [name] + [""] * 7
figures.image_sheet(filters, names, columns=8, note="eight first filters of each network, each scaled by itself")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Feature maps
#
# And at the maps that the layers make of an image. A map that is black is zero everywhere on this image: "dumped out".

# %% alt="For each network one row: an image of a kidney and seven maps of the first convolution; some maps are black." slideshow={"slide_type": "-"} tags=["hide-input"]
example = test.pixels[[int(np.flatnonzero(test.labels == min(3, len(classes) - 1))[0])]]
maps, names = [], []
for name, net in nets.items():
    read = keras.Model(net.inputs, net.get_layer("relu1").output)
    own = [m / max(float(m.max()), 1e-9) for m in np.moveaxis(read([example]).numpy()[0], -1, 0)[:7]]
    maps += [example[0], *own] + [np.ones((2, 2))] * (7 - len(own))
    names += [name] + [""] * 7
figures.image_sheet(
    maps, names, columns=8, note="an image and the first seven maps of conv1 behind its ReLU, each scaled by itself"
)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 7. Dead maps, counted
#
# "Most of the feature maps are dumped out" was said after a look at one picture. We count. A map is **dead** if it is zero on *every*
# test image: it is of no use at all. A map that is zero on *this* image only may be a specialist. So there are two shares: of maps that
# are dead, and of pairs (image, map) in which the map is zero.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### Predict: dead maps
#
# The paper says that GoogLeNet's maps are dumped out, and AlexNet's are retained. Which of the four has the largest share of dead maps?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_dead = "GoogLeNet"

# %% slideshow={"slide_type": "subslide"} tags=["cut", "hide-input"]
some = test.subset(np.arange(len(test)) % 5 == 0).pixels
dead_table, dead_share = {}, {}
for name, net in nets.items():
    after = explain.dead_maps(net, some)
    before = explain.dead_maps(explain.randomize_weights(net, seed=SEED + 1), some)
    dead_share[name] = after.overall["dead"]
    dead_table[name] = {
        "maps": after.overall["maps"],
        "dead": dead_share[name],
        "dead, untrained": before.overall["dead"],
    }
    dead_table[name] |= {"zero on an image": after.overall["zero"], "accuracy": scores[name].accuracy[0]}
most = max(dead_share, key=dead_share.get)
check(my_guess_dead, most, "Compare the table with the accuracies beside it: does the share tell them?")
units = dict.fromkeys(("dead", "dead, untrained", "zero on an image", "accuracy"), "%")
figures.table(dead_table, units=units, row_name="network", note=f"all convolutions together, {len(some)} test images")

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# **Born dead, not dumped.** On the phantoms GoogLeNet has the largest share of dead maps in this short run, as the paper says. But it has
# as many *before* it has learned anything. These maps were dead from the start, and 100 steps did not wake them. In the recorded run,
# after 1,000 steps, 1 % is left (section 10).

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 8. Why is GoogLeNet last?
#
# Too many layers, says the paper. But a reason needs an experiment in which *only that* changes. Take the published recipe and change
# one thing: the learning rate, the start of the weights, batch normalisation, the auxiliary heads, dropout, the width of the fully
# connected layers. If the number of layers is the reason, none of them helps.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### Predict
#
# GoogLeNet with batch normalisation: the same 22 layers, the same 1,000 steps, 3,160 training images (the recorded run). As published it
# is right on 74 % of the test images, over three seeds. How often now (0 to 1)?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_bn = 0.74  # too many layers stay too many layers

# %% slideshow={"slide_type": "subslide"} tags=["cut", "hide-input"]
desk = {"profile": "desk", "dataset": "phantoms"}
most = max(row["images"] for row in results.rows(**desk))
normalised = results.summary("accuracy", "network", images=most, change="batch normalisation", **desk)
reason = f"The interval is {normalised['GoogLeNet'][1]:.2f} to {normalised['GoogLeNet'][2]:.2f}; AlexNet with it has "
check(my_guess_bn, normalised["GoogLeNet"][0], reason + f"{normalised['AlexNet'][0]:.2f}.", tolerance=0.03)

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### One change at a time

# %% slideshow={"slide_type": "-"} tags=["hide-input"]
changed = {change: dict.fromkeys(NETS) for change in ("as published", *tried)}
for row in rows:
    if row["images"] == largest:
        changed[row.get("change") or "as published"][row["network"]] = row["values"].get("accuracy", "diverged")
note = f"accuracy on {len(test)} test images; {max(SIZES)} training images, {STEPS} steps, seed {SEED}"
figures.table(changed, units=dict.fromkeys(NETS, "%"), best=dict.fromkeys(NETS, "high"), row_name="change", note=note)

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# **The same layers, the same steps, another result.** On the phantoms AlexNet as published has hardly left chance after so few steps. Batch
# normalisation keeps the numbers that pass through many layers in range, and it learns. So in this run the reason is not the
# layers. It is the start: the published ones were made for weeks of training. This run has one seed and few steps. Section 10 has all
# the changes for all the networks, with ten times the steps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Figure 13: more training images
#
# The paper's last figure: accuracy rises with the size of the training set, for all four networks, and the order stays.

# %% alt="Accuracy on test images of the four networks against the number of training images, on a logarithmic axis." slideshow={"slide_type": "-"} tags=["hide-input"]
by_size = {
    name: [
        (row["images"], *row["values"]["accuracy"])
        for row in rows
        if row["network"] == name and "change" not in row and "accuracy" in row["values"]
    ]
    for name in NETS
}
figures.size_curves(by_size, "training images", "test accuracy", chance=0.2)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 9. What does it look at?
#
# A network that names the organ need not look at the organ. The fat around a kidney, the ribs beside a liver, the window of a CT tell
# it, too. Our images are drawn. So we draw them again **without the organ**: the same person, plane, noise and window; fat, flesh or
# air stands in its place.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### The same images without their organ

# %% alt="Ten images in pairs: five organs in five modalities, and below each the same image without its organ." slideshow={"slide_type": "-"} tags=["hide-input"]
ways = list(zip(phantoms.ORGANS, ("ct", "mri", "ultrasound", "pet", "xray"), strict=True))
drawn = [phantoms.organ_image(*way, 6, size=128) for way in ways]
left = [phantoms.organ_image(*way, 6, size=128, without="organ") for way in ways]
names = [f"{organ.replace('_', ' ')}, {SHEET[modality]}" for organ, modality in ways] + ["without it"] * 5
figures.image_sheet([one.image for one in drawn + left], names, columns=5)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### Predict
#
# The proposed net with batch normalisation names the organ. What share of the test images will it still name rightly when the organ is
# **gone**? (0 to 1; chance is 0.2)

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_gone = 0.2

# %% slideshow={"slide_type": "subslide"} tags=["cut", "hide-input"]
judged = trained("proposed", SEED, max(SIZES), "batch normalisation", dataset="phantoms")[0]
truth, empty = images("test", SEED, "phantoms"), images("test", SEED, "phantoms", without="organ")
whole, gone = (training.evaluate_classifier(judged, one) for one in (truth, empty))
reason = f"With the organs it is {whole.accuracy[0]:.2f}. What stands around an organ tells much of it."
check(my_guess_gone, gone.accuracy[0], reason, tolerance=0.1)

modality = np.array(truth.tags["modality"])
missed = explain.part_importance(judged, truth.pixels, {"organ": empty.pixels}, truth.labels).margin[:, 0]
table_gone = {}
for one in phantoms.MODALITIES:
    own = modality == one
    table_gone[SHEET[one]] = {"whole": training.proportion_interval(int(whole.right[own].sum()), int(own.sum()))}
    table_gone[SHEET[one]] |= {"without": training.proportion_interval(int(gone.right[own].sum()), int(own.sum()))}
    table_gone[SHEET[one]] |= {"lost": explain.paired_difference(whole.right[own], gone.right[own])}
    table_gone[SHEET[one]] |= {"lead lost": explain.bootstrap_interval(missed[own])}
note = "proposed net with batch normalisation; lost: paired; lead: of the organ's logit over the best other one"
figures.table(table_gone, units=dict.fromkeys(("whole", "without", "lost"), "%"), row_name="modality", note=note)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Does the heat lie on the organ?
#
# The share of the heat on the organ, over the organ's share of the image: 1 is chance. The rivals are the plain image, and the same
# explanation of a network that has learned nothing.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Heat on the organ, and its rivals

# %% alt="Share of heat on the organ, times chance, of Grad-CAM, the deconvnet, the untrained network and the plain image, with intervals." slideshow={"slide_type": "-"} tags=["hide-input", "warns"]
seen = truth.subset(truth.masks["organ"].any(axis=(1, 2))).split(0.4, seed=SEED)[1]
fresh = explain.randomize_weights(judged, seed=SEED + 1)
heats = {
    "Grad-CAM": explain.GradCAM(judged)(seen.pixels, seen.labels),
    "deconvnet": explain.Deconvnet(judged)(seen.pixels),
}
heats |= {"Grad-CAM, untrained": explain.GradCAM(fresh)(seen.pixels, seen.labels)}
heats |= {"deconvnet, untrained": explain.Deconvnet(fresh)(seen.pixels), "the image itself": seen.pixels[..., 0]}
shares = {
    name: explain.bootstrap_interval(explain.landmark_share(explain.heat_map(heat), seen.masks["organ"]))
    for name, heat in heats.items()
}
figures.interval_plot(shares, "share of heat on the organ (times chance)", chance=1.0)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### One source for each organ
#
# In real collections organ and modality often go together: all hearts come from one MR study, all spines from another. Let us plant
# that. In this training set every organ has **one** modality of its own.

# %% slideshow={"slide_type": "skip"}
PAIRED = tuple((organ, (modality,)) for organ, modality in ways)
paired_test = images("test", SEED, "phantoms", PAIRED)
paired_net = trained("proposed", SEED, PAIRED_COUNT, "batch normalisation", PAIRED, "phantoms")[0]

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### Predict
#
# The network that learned from it is tested on images of the same pairs, but with every **organ taken out**. Its accuracy?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_paired = 0.4

# %% slideshow={"slide_type": "subslide"} tags=["cut", "hide-input"]
same = training.evaluate_classifier(paired_net, paired_test)
no_organ = training.evaluate_classifier(paired_net, images("test", SEED, "phantoms", PAIRED, without="organ"))
own = np.array([m == dict(ways)[truth.class_names[k]] for m, k in zip(modality, truth.labels, strict=True)])
other = training.evaluate_classifier(paired_net, truth.subset(~own))
paired_table = {"the same pairs": {"accuracy": same.accuracy}, "the same, organs gone": {"accuracy": no_organ.accuracy}}
paired_table["organs in other modalities"] = {"accuracy": other.accuracy}
edge = training.confounding(images("train", SEED, "phantoms", PAIRED), paired_test, seen="border")
paired_table["same pairs; a random forest sees 2 pixels of border"] = {
    "accuracy": edge.balanced_accuracy["border"]["class"]
}
check(my_guess_paired, no_organ.accuracy[0], "It reads the modality, and that is still there.", tolerance=0.1)
figures.table(paired_table, units={"accuracy": "%"}, row_name="test images", note="chance is 20 %")

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# **Most of this accuracy has nothing to do with organs.** A forest that sees no more than the border does as well. On a test set from the
# same sources nothing of it shows. Only the other modalities show it, or an image without its organ. So before you believe a number,
# ask where each class came from.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The real set, in numbers
#
# `make data SET=organs FROM=folder` prepares 740 real images from 14 public sources, split by source and patient. Only 12 of the 25 cells
# exist, and ten of these come from a single source. A random forest is taught to name the organ from what is *not* the organ
# (`training.confounding(load_images("organs", "train", 64), load_images("organs", "test", 64))`; balanced accuracy, 95 % over 51
# patients; chance is 20 %):
#
# - the outermost two pixels: 85 % [75, 92];
# - the histogram of grey levels, no picture at all: 66 % [56, 82];
# - width and height of the file: 46 % [37, 57].
#
# A network that reaches 85 % on this set has not shown that it knows an organ.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10. The recorded results
#
# `make results CHAPTER=02` measures all networks, sizes and changes under the desk profile, seed by seed, into
# `chapters/results/02_anatomy_architectures.json`. Intervals of one seed are over test images; over several seeds they run from the
# lowest low to the highest high end.

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
found = results.summary("accuracy", "network", images=most, change=None, **desk)
parts = {"validation loss": "validation_loss", "dead maps": "dead", "without organ": "without_organ"}
others = {c: results.summary(v, "network", images=most, change=None, **desk) for c, v in parts.items()}
recorded = {
    name: {"paper": PAPER_II[name][3], "ours": found[name][:3] if name in found else None}
    | {column: values[name][:3] if name in values else None for column, values in others.items()}
    | {"seeds": found[name][3] if name in found else 0}
    for name in NETS
}
units = dict.fromkeys(("paper", "ours", "dead maps", "without organ"), "%")
figures.table(
    recorded, units=units, best={"ours": "high"}, row_name="network", note=f"{most} training images, as published"
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Which change turns the order?

# %% slideshow={"slide_type": "-"} tags=["hide-input"]
by_change = {}
for change in CHANGES:
    key = None if change == "as published" else change
    one = results.summary("accuracy", "network", images=most, change=key, **desk)
    lost = {row["network"] for row in results.rows(images=most, change=key, **desk) if "diverged" in row["values"]}
    by_change[change] = {n: one[n][:3] if n in one else "diverged" if n in lost else None for n in NETS}
figures.table(by_change, units=dict.fromkeys(NETS, "%"), best=dict.fromkeys(NETS, "high"), row_name="change")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **As published, the proposed net is first, as in the paper, but only on average**: 78 % over three seeds (the paper: 81). Seeds differ by
# up to nine points. The proposed net is clearly first with one of them, level with AlexNet with the second, and behind GoogLeNet with
# the third. GoogLeNet is not last: it has 74 % beside AlexNet's 76. LeNet is last, at 71. With **batch normalisation** all four gain, and
# the order turns: GoogLeNet 87, proposed 85, AlexNet 84 %. Their intervals overlap. So 22 layers are not too many. They only need numbers
# that stay in range.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **The other changes**, over three seeds:
#
# - **Learning rate**: ten times as high, and all but LeNet end at chance or near it; a tenth, and none has learned to the end.
# - **Auxiliary heads off**: GoogLeNet loses nothing that three seeds could tell (76 % without, 74 with).
# - **Dropout off**: AlexNet gains 3 points and stands at 78 % beside the proposed net's 78. So the paper may have a point when it leaves
#   dropout out. But then four convolutions in place of five make no difference.
# - **He start** (He et al. 2015, with pixels from -1 to 1): AlexNet and the proposed net end at 82 %, LeNet loses eight points.
# - **Narrow fully connected layers** do not rescue AlexNet. It learns *slower* (37 %). Its many weights are not the trouble here.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The real set, recorded

# %% slideshow={"slide_type": "-"} tags=["hide-input"]
REAL = {"profile": "desk", "dataset": "organs"}
all_real = max((row["images"] for row in results.rows(**REAL)), default=None)
on_real = {}
for change in CHANGES:
    one = results.summary(
        "accuracy", "network", images=all_real, change=None if change == "as published" else change, **REAL
    )
    on_real[change] = {n: one[n][:3] if n in one else None for n in NETS}
note = f"accuracy; {all_real} training images; a forest that sees the border alone: 85 % balanced accuracy"
figures.table(on_real, units=dict.fromkeys(NETS, "%"), best=dict.fromkeys(NETS, "high"), row_name="change", note=note)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **On real images, and as published, the order is turned round.** LeNet is first with 75 %, the proposed net last with 51. It is not for
# want of steps: LeNet and the proposed net fit their training images, with a cross-entropy below 0.001. Batch normalisation brings AlexNet
# from 59 to 86 % and the proposed net to 78. But remember the forest of section 9: it sees the border alone, and has 85 %. One seed, 88 test
# images of 51 patients: the intervals are 15 to 20 points wide.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Do dead maps tell the accuracy?

# %% alt="A scatter of test accuracy against the share of dead maps, one dot for each recorded training with the largest training set." slideshow={"slide_type": "-"} tags=["hide-input"]
points = {name: [] for name in NETS}
for row in results.rows(images=most, **desk):
    if "accuracy" in row["values"]:
        points[row["network"]].append((row["values"]["dead"], row["values"]["accuracy"][0]))
figures.scatter(points, "share of dead maps", "test accuracy")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **No.** As published, GoogLeNet has 1 to 2 % dead maps and AlexNet 4 to 5 %, at the same accuracy. LeNet has none and is last. Many
# dead maps come only with a learning rate ten times too high: 15 to 53 % of AlexNet's, 24 to 54 % of the proposed net's. That is the dying
# ReLU of section 4. So
# dead maps show that something went wrong in training. They do not explain the paper's order.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Figure 13, recorded

# %% alt="Recorded test accuracy of the four networks against the number of training images, seven sizes." slideshow={"slide_type": "-"} tags=["hide-input"]
sizes = sorted({row["images"] for row in results.rows(**desk)})
recorded_sizes = {name: [] for name in NETS}
for count in sizes:
    for name, one in results.summary("accuracy", "network", images=count, change=None, **desk).items():
        recorded_sizes[name].append((count, *one[:3]))
figures.size_curves(recorded_sizes, "training images, in all", "test accuracy", chance=0.2)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **More images help every network, as in the paper. The order does not stay.** With 100 or 178 images the intervals overlap. From 316 to
# 1,000 images AlexNet is first on average. The proposed net leads only from 1,778 on.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What is lost without the organ, recorded

# %% slideshow={"slide_type": "-"} tags=["hide-input"]
losses = {SHEET[m]: results.summary(f"lost/{m}", "network", "change", images=most, **desk) for m in phantoms.MODALITIES}
told = {}
for change in (None, "batch normalisation"):
    for name in NETS:
        label = name if change is None else f"{name} + BN"
        told[label] = {m: one[name, change][:3] if (name, change) in one else None for m, one in losses.items()}
figures.table(
    told, units=dict.fromkeys(losses, "%"), row_name="accuracy lost", digits=dict.fromkeys(losses, 0), note="paired"
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **About half of the images are named without their organ**, 44 to 61 %. The networks lose most where the organ is the picture: in ultrasound, CT
# and PET. In X-rays they lose least. There the frame around the organ, the ribs and the spine tell enough.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11. Paper and ours
#
# - **Reproduced**: the four networks, layer by layer; Figures 4 to 13 and Table II in kind. On average the proposed net is first, at 78 %
#   (paper 81 %).
# - **Shrunk**: 64 x 64 pixels, a quarter of the published width, up to 3,160 training images, 1,000 steps, three seeds.
# - **Changed**: the images. Ours are drawn, because the paper's cannot be found again.
# - **Not reproduced**: GoogLeNet as the last one. It is level with AlexNet; LeNet is last.

# %% [markdown] slideshow={"slide_type": "subslide"}
# - **Not supported**: "too many layers" and "feature maps dumped out". One change that leaves every layer in place, batch normalisation,
#   brings three networks to the same accuracy, and the shares of dead maps do not follow the order.
# - **Not asked by the paper**: what the networks look at. With the organ taken out, they still name 44 to 61 % of the images.
# - **Not the same on real images**: there LeNet is first and the proposed net last, with one seed (`make data SET=organs`).
# - **Not yet recorded**: more seeds, and smaller training sets, of the real images.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Errata
#
# - "fc6 which results in 4096 dimensional vector" with "two fully connected layers" leaves no layer of five outputs.
# - Table II's column is "Validation Loss"; its caption and the text say training loss.
# - $p$ is once the share that is dropped, once the share that is kept.
# - The passage about a gradient that "will forever be zero" describes a dying ReLU, not dropout (section 4).
# - Equation 1 lacks the bias and the sum over channels. "con4" is conv4.
# - Test accuracy lies above validation accuracy for AlexNet (74 against 65) and the proposed net (81 against 76.6), and below it for
#   GoogLeNet (45 against 55). With 100 test images a class, ten points are more than noise: the two sets were not drawn alike.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Decisions where the paper is silent
#
# - The proposed net: 'same' padding in its convolutions, no padding in its pool, maxima in the pool, a layer of five behind fc6.
# - The weights start as in Caffe's copies of the networks (the authors' "loss1/accuracy" are Caffe's names), and images are scaled as
#   Caffe does: from -128 to 127. LeNet has the ReLU of Caffe's time, not the sigmoid of 1998.
# - The seven sizes of Figure 13 are equal steps on a logarithmic scale; all trainings have the same number of steps.
# - A quarter of the images show a lesion. No image shows two organs in its middle.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 12. Exercises
#
# ### Exercise 1: weights of an inception module
#
# Module 3a reads 192 maps. Its four ways are: 64 filters of 1 x 1; 96 of 1 x 1, then 128 of 3 x 3; 16 of 1 x 1, then 32 of 5 x 5; a pool,
# then 32 of 1 x 1. Every filter has a bias. Work out `module_weights` with a pencil.

# %% slideshow={"slide_type": "skip"} tags=["solution"]
module_weights = (
    (192 + 1) * 64 + (192 + 1) * 96 + (96 * 9 + 1) * 128 + (192 + 1) * 16 + (16 * 25 + 1) * 32 + (192 + 1) * 32
)

# %% slideshow={"slide_type": "skip"}
at_full_width = googlenet((64, 64, 1), 5, auxiliary=False)
counted = sum(layer.count_params() for layer in at_full_width.layers if layer.name.startswith("inception_3a"))
assert module_weights == counted, "count (inputs x area + 1) x filters for each of the six convolutions"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2: break the layer, find the test that notices
#
# `torch` divides alpha by n in its local response normalisation, ours does not. Write `like_torch`, which gives a
# `LocalResponseNormalization` that computes what `torch.nn.LocalResponseNorm(size=5, alpha=1e-4, beta=0.75, k=2)` does.
# Then find the test in `tests/test_layers.py` that would notice first if ours divided, too, and put its name into `noticed`.

# %% slideshow={"slide_type": "skip"} tags=["solution"]
like_torch = LocalResponseNormalization(n=5, k=2.0, alpha=1e-4 / 5, beta=0.75)
noticed = "test_it_is_the_formula_and_torch"

# %% slideshow={"slide_type": "skip"}
hundred = np.full((1, 1, 1, 7), 100, "float32")
wanted = 100 / (2 + 1e-4 / 5 * 5 * 100**2) ** 0.75  # a value in the middle, five neighbours of 100 each
assert np.isclose(float(like_torch(hundred)[0, 0, 0, 3]), wanted), (
    "alpha counts for the sum in ours, for the mean in torch"
)
assert hashlib.sha256(noticed.encode()).hexdigest()[:8] == "4246a806", "read what each test asserts"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 3: undo the confounding
#
# Build `mixed`, a training set like that of section 9 with as many images of each organ, but with *two* modalities for each: the
# organ's own and the next one in `phantoms.MODALITIES`. `images("train", SEED, "phantoms", cells)` takes pairs (organ, (modality, ...)).
# Train the proposed net on it with `trained(..., cells=cells)`. Its accuracy on all modalities should rise.

# %% slideshow={"slide_type": "skip"} tags=["solution"]
following = dict(zip(phantoms.MODALITIES, (*phantoms.MODALITIES[1:], phantoms.MODALITIES[0]), strict=True))
cells = tuple((organ, (modality, following[modality])) for organ, modality in ways)
mixed_net = trained("proposed", SEED, PAIRED_COUNT, "batch normalisation", cells, "phantoms")[0]

# %% slideshow={"slide_type": "skip"}
before = training.evaluate_classifier(paired_net, truth)
after = training.evaluate_classifier(mixed_net, truth)
gain = explain.paired_difference(after.right, before.right)
print(
    f"all modalities: {before.accuracy[0]:.2f} with one each, {after.accuracy[0]:.2f} with two; gain {gain[0]:.2f} [{gain[1]:.2f}, {gain[2]:.2f}]"
)
assert gain[0] > 0, "two modalities should tell more than one"

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## What to take along
#
# - A table says who won. A reason needs an experiment in which only that reason changes.
# - Count instead of looking: a dead map is zero on every image; a map that is zero on one image may be a specialist.
# - Dropout rests a unit for one step. A unit that is dead for good comes from a step that was too long, or from its start.
# - Ask where each class came from. If class and source go together, a high accuracy may have nothing to do with the class.

# %% slideshow={"slide_type": "skip"}
record_result(
    f"{order[0]} first, {order[-1]} last; proposed with BN {whole.accuracy[0]:.2f}, without organs {gone.accuracy[0]:.2f}",
    accuracy=whole.accuracy[0],
    accuracy_without_organ=gone.accuracy[0],
)
