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
# # Chapter 1: does the network look where a radiologist looks?
#
# **The paper's claim.** Three convolutional networks learn to tell 24 body parts apart on radiographs. The strongest feature maps
# of the last convolution are projected back to the image. They show that the best network (95.6 %) looks at the *landmarks* that a
# radiologist names, bone by bone. The worse networks do not.
#
# D. Kumar and V. Menkovski, *Understanding Anatomy Classification Through Visualization*, 2016.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **What you will have built**
#
# - the paper's three networks, and the fourth one that its table leaves out,
# - the *deconvnet* (Zeiler & Fergus 2014), first by hand on a 4 x 4 image, then for any Keras model,
# - the paper's figures on radiographs whose bones are *known*, so that "it looks at the bones of the palm" becomes a number,
# - the test that decides: the same radiograph drawn again **without** these bones.
#
# **Cost** (quick profile, two CPU cores): about two minutes and 2.5 GB; no GPU, no download.

# %% [markdown] slideshow={"slide_type": "notes"}
# The one idea to carry home: a heat map shows which pixels the network's maps answer to. Whether the network *needs* what is there is
# another question, and only an intervention answers it. Sections 2 to 5 fit one lecture, sections 6 to 10 a second one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. Set-up
#
# Everything that a cell below uses is imported here. You see a run under the profile `quick`, on phantoms. What profile, stored run and
# record are stands in chapter 0, section 3. All words that the course explains are listed in its [glossary](00_start_here.ipynb#Glossary).

# %% slideshow={"slide_type": "skip"}
import functools
import hashlib
from unittest import mock

import keras
import numpy as np

from lookinside import explain, figures, phantoms, training
from lookinside.course import Results, check, profile, progress, record_result, remember, set_up, trials
from lookinside.data import class_like, load_images, magnified, phantom_radiographs, without_detail, without_shading
from lookinside.explain import Deconvnet, bootstrap_interval, heat_map, landmark_share
from lookinside.models import PAPER_TABLES, beside_paper, deeper_cnn, shallow_cnn

SEED = profile.seed
set_up(seed=SEED)
print(profile)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 2. The images
#
# The paper used the ImageCLEF 2009 radiographs, which may not be passed on. We draw our own, the phantoms of chapter 0: a person made of
# named ellipsoids (bones, muscles, lungs), X-rayed by formula. For each pixel we know which bones the ray has crossed. And the same
# radiograph can be drawn again without a bone.
#
# The same cells run on real images: `make data SET=unifesp FROM=folder`, then `COURSE_DATASET=unifesp make run CHAPTER=01`.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### A sheet of training images

# %% alt="A sheet of training images, four of each of the first six classes, as grey radiographs." slideshow={"slide_type": "-"} tags=["hide-input"]
SIX = ("hand", "wrist", "foot", "ankle", "chest", "cranium")
drawn = profile.pick(quick=SIX, desk=phantoms.CLASSES, paper=phantoms.CLASSES)  # classes of the phantoms
size = profile.pick(quick=64, desk=64, paper=224)
count = profile.pick(
    quick={"train": 80, "test": 20}, desk={"train": 250, "test": 20}, paper={"train": 2000, "test": 60}
)


@functools.cache
def images(part, seed, dataset=profile.dataset, **options):
    """The training or test part of a set. Test images are the same for every network and seed."""
    if dataset == "phantoms":
        return phantom_radiographs(part, drawn, count[part], size, 0 if part == "test" else seed, **options)
    return load_images(dataset, part, size)


test = images("test", SEED)
classes = test.class_names
train, validation = images("train", SEED).split(0.1, seed=SEED)
shown = [i for c in range(min(6, len(classes))) for i in np.flatnonzero(train.labels == c)[:4]]
majority = max(test.counts().values()) / len(test)
note = f"{len(train)} images to train on, {len(validation)} to validate, {len(test)} to test; {size} x {size} pixels. "
note += f"Always naming the largest class would score {100 * majority:.1f} %: the majority baseline."
figures.image_sheet(train.images[shown], [classes[train.labels[i]] for i in shown], columns=8, note=note)

# %% [markdown] slideshow={"slide_type": "subslide"}
# A tenth of the training images is held out: the **validation set**. A network is trained in small groups of images. A group is a **batch**,
# what the network learns from one batch is a **step**, and one pass over all images is an **epoch**. The weights of the epoch that does best on
# the validation set are kept. The **test set** is kept apart until then: no network learns from it, and nothing is chosen by it.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### The landmarks of the paper
#
# **Phalanges** are the bones of fingers and toes, *distal* ones those at the tips. **Metacarpals** are the five long bones of the palm,
# **metatarsals** those of the midfoot. **Carpals** and **tarsals** are the small bones of wrist and hindfoot; navicular and cuboid are
# tarsals. Tibia and fibula are the bones of the lower leg, radius and ulna those of the forearm.
#
# In the heat maps of one foot and one hand the authors recognise
#
# - **foot**: edges of the metatarsals, distal phalanges, navicular, cuboid, tibia, fibula;
# - **hand**: three distal phalanges, many ends of bones at joints, the metacarpals, certain carpals.
#
# They read this list *from* the heat maps that it is to judge. We take all bones of each kind, and fix them before we look at any heat.
# The other finger bones and the heel count as *off* the landmarks, though one can tell a hand or a foot by them.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### The landmarks, tinted

# %% alt="Three hands and three feet; below each, its landmark bones are tinted: finger tips, metacarpals and carpals; toe tips, metatarsals, navicular and cuboid, tibia and fibula." slideshow={"slide_type": "-"} tags=["hide-input"]
truth = images("test", SEED, "phantoms")  # where a truth is needed, phantoms serve, whatever the data set
limbs = truth.only(("hand", "foot"))
pair = [class_like(classes, name) for name in ("hand", "foot")]
pair = pair if all(pair) else sorted(test.counts(), key=test.counts().get)[-2:]
examples = test.only(pair)
examples = examples.subset(np.concatenate([np.flatnonzero(examples.labels == c)[:3] for c in (0, 1)]))
look = {"titles": [pair[label] for label in examples.labels], "regions": examples.masks.get("landmarks")}
figures.heat_grid(examples.images, {}, note="tinted: the landmarks, where the truth is known", **look)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 3. Three networks, and the one that is missing
#
# The paper's appendix prints three architectures (Tables 2, 3, 4). The third network differs from the second in three things. The
# first two are layers, which `deeper_cnn` switches on; the third one changes the training images.
#
# - **Batch normalisation** (BN) brings each map to mean 0 and variance 1 over the batch, then multiplies by a learned $\gamma$ and
#   adds a learned $\beta$. Once trained it uses running averages $\mu$, $\sigma^2$ instead of the batch's:
#   $y = \gamma (x - \mu) / \sqrt{\sigma^2 + \varepsilon} + \beta$, with a small constant $\varepsilon$.
# - **Dropout** sets a random share of numbers to zero while training, so that no single one is relied on.
# - **Augmentation** shows every image a little cropped, turned, shifted, sheared, stretched or mirrored. (Chapter 3 is about one kind of it.)

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
paper_nets = {2: shallow_cnn((224, 224, 1), 24), 3: deeper_cnn((224, 224, 1), 24)}
note = "32x is 32 maps; FC is fully connected; conv2_1 is block 2, first convolution"
figures.table(beside_paper(paper_nets[3], PAPER_TABLES[3]), note=note)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### Predict: which network is the small one?
#
# The paper says that "shallow models that do not have sufficient capacity fail to use relevant landmarks". The shallow network
# (Table 2) has two convolutions of 32 and 64 maps, one 2 x 2 pool, and a hidden layer of 128 numbers. Divide the number of weights of the
# **shallow** network by that of the deeper one, at 224 x 224 pixels: what comes out? (Convolutions keep the size of the map, a pool halves
# it. The deeper network has 4.6 million weights, the sum of the last column above. Below 1 means that the shallow one has fewer.)

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess = 0.2  # two convolutions against ten

# %% slideshow={"slide_type": "subslide"} tags=["cut", "hide-input"]
weights = {table: net.count_params() for table, net in paper_nets.items()}
paper_nets.clear()  # the shallow one alone holds 400 MB
check(
    my_guess,
    round(weights[2] / weights[3], 1),
    "Its hidden layer reads a map of 112 x 112 x 64 numbers: 103 million weights. It is shallow, not small.",
    tolerance=2,
)

# %% [markdown] slideshow={"slide_type": "-"}
# **So "insufficient capacity" cannot mean too few weights.** The network is small in depth only. Each value of its last convolution is
# computed from 5 x 5 pixels: its **receptive field**. In the deeper network it is 92 x 92 pixels, which at 64 pixels is the whole image.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Where the room goes wrong.** Nearly everybody says less than 1: two convolutions against ten. It is 22.6. Point at the row *fc1* of the
# table: in the deeper network the first hidden layer reads 14 x 14 x 128 numbers and holds 3.2 of its 4.6 million weights; in the shallow one
# it reads 112 x 112 x 64. Ask next: in which layer of a network of your own are most of the weights?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### The fourth network
#
# Table 1 of the paper has three columns: 71.1 %, 90.36 % and 95.62 %. Between the second and the third, *three* things change
# at once: batch normalisation, dropout and augmentation. What did augmentation do? The table cannot say. The missing network has
# Table 4's layers but sees the images as they are. A fifth one, with BN alone, tells BN and dropout apart.
#
# Three more networks answer this chapter's last question. They have BN alone, too, but half of their training images are drawn without
# soft tissue, or without bones, or lack their *shading*: the slow changes of brightness, which on a radiograph are mostly flesh. The
# last one can be trained on real films, too.

# %% slideshow={"slide_type": "skip"}
BN, BOTH = {"batch_norm": True}, {"batch_norm": True, "dropout": True}
NETS = {
    "shallow": {"build": shallow_cnn, "paper": 0.711},
    "deeper": {"build": deeper_cnn, "paper": 0.9036},
    "deeper + BN": {"build": deeper_cnn, "options": BN},
    "deeper + BN, dropout": {"build": deeper_cnn, "options": BOTH},
    "deeper + BN, dropout, augmentation": {"build": deeper_cnn, "options": BOTH, "augment": True, "paper": 0.9562},
    "deeper + BN, half without soft tissue": {"build": deeper_cnn, "options": BN, "lacking": "soft_tissue"},
    "deeper + BN, half without bones": {"build": deeper_cnn, "options": BN, "lacking": "bones"},
    "deeper + BN, half without shading": {"build": deeper_cnn, "options": BN, "lacking": "shading"},
}
FIVE = [name for name in NETS if "lacking" not in NETS[name]]  # those that learn from whole images
live = ("shallow", "deeper + BN")  # trained under every profile; the others belong to the record
width = profile.pick(quick=0.5, desk=0.5, paper=1.0)  # share of the paper's maps in every layer
STEPS = profile.pick(quick=270, desk=3370, paper=100_000)  # batches that each network learns from

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 4. The deconvnet, by hand
#
# A **convolution** slides small filters $F$ over an image $X$ and adds a bias $b$. The **ReLU**, $\max(0, \cdot)$, sets to zero what is
# negative:
#
# $$A = \max(0,\; F * X + b) \qquad P, S = \mathrm{pool}(A)$$
#
# Each filter makes one **feature map**, and $A$ is the stack of them. (In chapters 1 to 4 *map* alone means a feature map.) The **max pool**
# keeps the largest of each 2 x 2 block in $P$; where in the block it stood is the **switch** $S$. The **deconvnet** goes back through the same
# layers:
#
# $$\hat{A} = \mathrm{unpool}(\hat{P}, S) \qquad \hat{X} = F^{T} * \max(0,\; \hat{A})$$
#
# $\hat{P}$ comes from the layer above, or is the chosen map itself. Unpooling puts each value back where the switch says, and zero
# elsewhere. The *transposed* convolution $F^T$ spreads each value over the pixels that it was computed from.

# %% [markdown] slideshow={"slide_type": "notes"}
# The ReLU on the way back looks at the sign of what comes back, not at whether the ReLU was open on the way forward: that tells the
# deconvnet from a gradient. Zeiler & Fergus' reason: feature maps are never negative, so neither should their reconstructions be.
# Stress that no training is involved on the way back: filters and switches are those of the forward pass of this one image.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### A 4 x 4 image
#
# One filter of one pixel, $F = 1$, no bias, so $A = X$. Then a pool. Do it on paper first: what are $P$ and $S$? (Of equal values
# the library takes the first; here there are none.)

# %% slideshow={"slide_type": "-"}
X = np.array([[1, 3, 0, 1], [2, 0, 4, 0], [0, 1, 5, 2], [6, 0, 1, 0]], dtype=np.float32)
P, S = np.zeros((2, 2)), np.zeros((4, 4), dtype=bool)
for i, j in np.ndindex(2, 2):
    block = X[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
    P[i, j] = block.max()
    S[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = block == block.max()

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### The way back
#
# The next layer has one filter of one pixel again, $F = 2$, so its map is $2P$. This is the map that we project. Follow its largest value,
# 12 at the lower left, back to the image: through the transposed filter, then through the unpooling. Which number will stand at which
# pixel? Write it down before you look at the next figure.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### There and back

# %% alt="Four number grids: the 4 by 4 image with its four block maxima framed, the 2 by 2 pooled map 3 4 6 5, the top map 6 8 12 10, and the projection with 12, 16, 24, 20 at the framed places and zeros elsewhere." slideshow={"slide_type": "-"}
top = np.maximum(0, 2 * P)  # forward through the next layer, F = 2
P_hat = 2 * np.maximum(0, top)  # back through it: ReLU, then the transposed filter
A_hat = np.kron(P_hat, np.ones((2, 2))) * S  # unpool: to the switch, zero elsewhere
X_hat = 1 * np.maximum(0, A_hat)  # ReLU, then the first filter, F = 1
grids = {"image X": X, "pooled P": P, "top map 2P": top, "projection": X_hat}
figures.number_grids(grids, highlight={"image X": S, "projection": S}, note="framed: the switches S")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The library does the same
#
# `Deconvnet(model)` reads the layers of any Keras model and walks them backwards. Its method `maps` takes images (N, H, W, C) and
# returns the projections of their strongest maps, one by one, before they are summed: `.maps[0, 0]` is that of the first image's first.

# %% slideshow={"slide_type": "-"}
one, two = keras.initializers.Constant(1), keras.initializers.Constant(2)
toy = keras.Sequential(
    [
        keras.Input((4, 4, 1)),
        keras.layers.Conv2D(1, 1, activation="relu", kernel_initializer=one, name="first"),
        keras.layers.MaxPooling2D(2, name="pool"),
        keras.layers.Conv2D(1, 1, activation="relu", kernel_initializer=two, name="second"),
    ]
)
by_library = Deconvnet(toy, layer="second", top_n=1).maps(X[None, :, :, None]).maps[0, 0]
assert np.array_equal(by_library, X_hat)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The transposed filter
#
# A filter of more than one pixel mixes neighbours. Its transpose hands a value back to the same neighbours with the same weights.
# Written as a matrix $M$ (a row per output), forward is $M x$ and back is $M^{T} z$. Take a row of six pixels with a bright
# "bone" of three, and a filter that answers to a left edge.

# %% alt="Three rows of numbers: the row of six pixels 0 0 1 1 1 0, the map of five with its one at the second place, and the projection 0 -1 1 0 0 0." slideshow={"slide_type": "-"}
x = np.array([0, 0, 1, 1, 1, 0], dtype=np.float32)
F = np.array([-1, 1], dtype=np.float32)
M = F[0] * np.eye(5, 6) + F[1] * np.eye(5, 6, k=1)  # each output looks at two neighbours
z = np.maximum(0, M @ x)
edge = keras.Sequential([keras.Input((1, 6, 1)), keras.layers.Conv2D(1, (1, 2), activation="relu", name="edge")])
edge.layers[0].set_weights([F.reshape(1, 2, 1, 1), np.zeros(1)])
assert np.allclose(Deconvnet(edge, top_n=1).maps(x.reshape(1, 1, 6, 1)).maps[0, 0, 0], M.T @ z)
figures.number_grids({"row x": x[None], "map z": z[None], "projection": (M.T @ z)[None]})

# %% [markdown] slideshow={"slide_type": "subslide"}
# The projection is the filter's own picture, $-1\; 1$, put where the edge is: *negative* on the dark side, positive on the bright one.
# So a projection has signs. The paper shows heat without them. We take absolute values before we sum the maps, as most authors do.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### From maps to a heat map
#
# 1. Run the image forward, keep every switch.
# 2. Rank the maps of the last convolution by their largest value; take the top $n = 25$.
# 3. Project each map alone. (BN on the way back multiplies by its factor $\gamma / \sqrt{\sigma^2 + \varepsilon}$; biases drop out.)
# 4. Sum the absolute projections, blur lightly, divide by the 99th percentile.
#
# No class enters: the deconvnet shows what the strongest maps saw, not why *hand* beat *wrist*. That is the question of Grad-CAM (chapter 2,
# section 9) and of the methods in chapter 5.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5. Training
#
# `trained` builds and trains a network of `NETS` with Adam (gradient descent whose step adapts to each weight), in batches of 16 images, and
# keeps the weights of the best epoch. All networks learn for the same number of steps. Otherwise we would compare how long they were trained.


# %% slideshow={"slide_type": "skip"}
def less(what, part, seed, dataset):
    """The same images without their bones, their soft tissue (phantoms only), or their shading (any images)."""
    if what == "shading":
        return without_shading(images(part, seed, dataset), sigma=size / 16)
    return images(part, seed, dataset, without=what)


@remember
def trained(network, seed, dataset, steps=STEPS):
    """A network of NETS and the history of its training; once trained it is kept."""
    plan, full = NETS[network], images("train", seed, dataset)
    if "lacking" in plan:  # half of the images that it learns from
        full = full.mixed(less(plan["lacking"], "train", seed, dataset), 0.5, seed)
    train, validation = full.split(0.1, seed=seed)
    keras.utils.set_random_seed(seed)
    model = plan["build"](train.shape, len(train.class_names), width=width, **plan.get("options", {}))
    augment = training.augmentation(train.shape, seed=seed) if "augment" in plan else None
    options = {"steps": steps, "batch_size": 16, "patience": None, "augment": augment, "seed": seed}
    folder = profile.run_folder("01_anatomy_landmarks", dataset, network, seed)
    return model, training.fit_classifier(model, train, validation, run_folder=folder, progress=progress, **options)


# %% [markdown] slideshow={"slide_type": "skip"}
# The next cells serve the record. Run them, for later cells use their names, but you need not read them: `measure` says what is recorded of a network. Under `quick` that is its
# accuracy. Under `desk` it is also everything that sections 7 and 8 explain step by step for one network.

# %% slideshow={"slide_type": "skip"}
G = phantoms.PART_GROUPS
FLESH_AND_BONES = tuple(group for group in G if group != "skin")  # all but the fat under the skin
REMOVED = {  # what is taken out of the test images; see `radiograph(without=...)`
    "phalanges": ("phalanges",),
    "metacarpals, metatarsals": ("metacarpals", "metatarsals"),
    "carpals, tarsals": ("carpals", "tarsals"),
    "forearm, lower leg": ("forearm_bones", "lower_leg_bones"),
    "upper arm, thigh": ("upper_arm_bone", "thigh_bone"),
    "shoulder, pelvis": ("shoulder_girdle", "pelvic_bones"),
    "ribs, spine": ("rib_cage", "spine"),
    "skull": ("skull",),
    "muscles": ("muscles",),
    "lungs, airways": ("lungs", "airways"),
    "organs, gland": ("abdominal_organs", "breast_tissue"),
    "letters": ("letter",),
    "edges of the field": ("field",),
    "every bone": ("bones",),
    "all soft tissue": ("soft_tissue",),
    "all but the fat": FLESH_AND_BONES,
}
BIG = ("every bone", "all soft tissue", "all but the fat")
ALONE = [name for name in REMOVED if name not in BIG]  # one group at a time; the last two are no parts of a body
HAND = ("phalanges", "metacarpals, metatarsals", "carpals, tarsals", "forearm, lower leg")
PAIRS = {(one, other): REMOVED[one] + REMOVED[other] for one in HAND for other in HAND if one < other}


def redrawn(name, **options):
    """The test images of the phantoms, the same in all but what is taken out."""
    return images("test", SEED, "phantoms", without=(REMOVED | PAIRS)[name], **options)


# %% slideshow={"slide_type": "skip"}
METHODS = {name: getattr(explain, name) for name in ("Saliency", "SmoothGrad", "GuidedBackprop", "GradCAM")}
METHODS |= {"Deconvnet": Deconvnet, "Occlusion": lambda model: explain.Occlusion(model, size // 4, size // 8)}
deconvnet = functools.cache(Deconvnet)  # one for each network: it is traced once, then only fed


def heat(model, data):
    """The deconvnet's heat maps (N, H, W) in [0, 1] of a set's images."""
    return heat_map(deconvnet(model)(data.pixels), blur_sigma=1.0)


@functools.cache
def bone_by_bone(name):
    """The hands (or feet) of the test set, and the same without each of their bones: set, {bone: set}."""
    draw = functools.partial(phantom_radiographs, "test", (name,), count["test"], size, 0)
    return draw(), {bone: draw(without=bone) for bone in phantoms.SINGLE_BONES[name]}


def agreement(model, methods):
    """Rank correlation of heat and importance over single bones of hands and feet, and its lead over the bones' area."""
    found = []
    for name in ("hand", "foot"):
        whole, alone = bone_by_bone(name)
        label = truth.class_names.index(name)
        missed = explain.part_importance(model, whole.pixels, {b: one.pixels for b, one in alone.items()}, label)
        places = {bone: one.masks["removed"] for bone, one in alone.items()}
        found.append(explain.compare_parts(methods, model, whole.pixels, missed.margin, places, label))
    return explain.summarize_parts(*found)


# %% slideshow={"slide_type": "skip"}
def measure(network, seed, steps=STEPS):
    """One row of the record."""
    model, history = trained(network, seed, profile.dataset, steps)
    score = training.evaluate_classifier(model, test)
    values = {"accuracy": score.accuracy, "balanced_accuracy": score.balanced_accuracy, "majority": score.majority}
    values |= {"steps": history.steps, "validation_accuracy": history.curves["val_accuracy"]}
    if profile.name != "quick" and profile.on_phantoms:
        alone, together = ({name: redrawn(name) for name in names} for names in (REMOVED, PAIRS))
        anew = {name: redrawn(name, reexpose=True) for name in BIG}
        values |= training.uses_of_parts(model, truth, alone, together=together, anew=anew)
        values |= {"agreement": agreement(model, METHODS)}
        for name, net in {"": model, "_untrained": explain.randomize_weights(model, seed=SEED)}.items():
            share = landmark_share(heat(net, limbs), limbs.masks["landmarks"])
            values[f"landmark_share{name}"] = bootstrap_interval(share)
    elif profile.name != "quick":  # real images: insertion on 100 of them, as paired differences from random heat
        some = test.subset(np.random.default_rng(0).permutation(len(test))[:100]).pixels
        values["explanations"] = explain.compare(METHODS, model, some, seed=SEED).against("random heat")
    settings = {"classes": len(classes), "size": size, "width": width, "train": len(train), "test": len(test)}
    return {
        "settings": settings
        | {"batch": 16, "best_epoch": history.best_epoch, "training_seconds": sum(history.seconds)},
        "values": values,
    }


# %% slideshow={"slide_type": "skip"} tags=["sweep"]
def shown_otherwise(network, seed, shown):
    """More rows: the test images filtered, smaller and larger; or the fat with one group of parts in it."""
    if shown == "otherwise":
        sets = {"as it is": test}
        sets |= {"no shading": without_shading(test, size / 16), "no detail": without_detail(test, size / 16)}
        sets |= {f"{percent} %": magnified(test, percent / 100) for percent in (80, 90, 110, 125)}
    else:
        gone = {"only fat": FLESH_AND_BONES}
        gone |= {name: tuple(g for g in FLESH_AND_BONES if g not in REMOVED[name]) for name in ALONE[:-2]}
        sets = {name: images("test", SEED, "phantoms", without=one, reexpose=True) for name, one in gone.items()}
    model, _ = trained(network, seed, profile.dataset)
    accuracy, lost = training.accuracy_on(model, sets)
    return {"settings": {"test": len(test)}, "values": {shown: accuracy, f"{shown}, lost": lost}}


results = Results("01_anatomy_landmarks")
possible = [n for n in NETS if profile.on_phantoms or NETS[n].get("lacking") in (None, "shading")]
rows = results.sweep(trials(network=live if profile.name == "quick" else possible, seed=profile.seeds), measure)
if profile.name != "quick":
    longer = trials(network=[name for name in possible if "dropout" in name], seed=1, steps=3 * STEPS)
    results.sweep([one for one in longer if 1 in profile.seeds], measure)  # do they only need longer?
    kept = ["deeper + BN", "deeper + BN, half without shading"]
    results.sweep(trials(network=kept, seed=profile.seeds, shown="otherwise"), shown_otherwise)
    if profile.on_phantoms:
        results.sweep(trials(network=kept[:1], seed=profile.seeds, shown="fat and one group"), shown_otherwise)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Learning curves
#
# Two networks are trained in this run, `shallow` and `deeper + BN`.

# %% alt="Two panels: cross-entropy and accuracy over epochs for the trained networks, training thin and validation thick." slideshow={"slide_type": "-"} tags=["hide-input"]
nets, histories = {}, {}
for name in live:
    nets[name], histories[name] = trained(name, SEED, profile.dataset)
scores = {name: training.evaluate_classifier(net, test) for name, net in nets.items()}
figures.learning_curves({name: history.curves for name, history in histories.items()})

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### Table 1
#
# The paper's accuracies are of 24 classes and some 1,470 test images; ours are of the set above. **Balanced accuracy** is the mean over
# classes of the share of each class that is named rightly: a network that only knows the common classes cannot hide behind it. To always name
# the commonest class is the **majority baseline**. The brackets hold 95 % intervals over test images (chapter 0, section 5; for a share by
# Wilson's formula). Two networks are compared by their **paired difference**: image by image, because both answer the same ones.

# %% slideshow={"slide_type": "-"} tags=["hide-input"]
table_1 = {
    name: {"paper": NETS[name].get("paper"), "ours": one.accuracy, "balanced": one.balanced_accuracy}
    for name, one in scores.items()
}
note = f"95 % intervals over the {len(test)} test images (Wilson; balanced: bootstrap); majority {100 * majority:.1f} %"
best, other = sorted(scores, key=lambda name: -scores[name].accuracy[0])
gap, low, high = (100 * x for x in explain.paired_difference(scores[best].right, scores[other].right))
note += f"; {best} is {gap:.1f} points ahead [{low:.1f}, {high:.1f}]"
note += ", which may be chance" if low <= 0 else ", more than noise"
if profile.on_phantoms:
    assert min(score.accuracy[0] for score in scores.values()) > 2 * majority
percent = dict.fromkeys(("paper", "ours", "balanced"), "%")
figures.table(table_1, units=percent, best={"ours": "high"}, note=note, row_name="network")

# %% [markdown] slideshow={"slide_type": "notes"}
# The interval says how the number would vary over other test images, not over other trainings: for those see the seeds in section
# 10, and the folds in chapter 4, section 9. Validation may lie above training in the curves: training accuracy is averaged over the epoch
# while the weights still move.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6. The paper's figures
#
# The next figure shows the heat of the 25 strongest maps on hands and feet. (At half the paper's width the last convolutions have 32 and
# 64 maps.) Look for the bones that the paper names. Section 10 shows all five networks, as they were recorded.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### Figures 1 and 2

# %% alt="Hands and feet, their landmark bones tinted, and the heat maps of the shallow and of the deeper network laid over them." slideshow={"slide_type": "-"} tags=["hide-input"]
shown_nets = nets if profile.name == "quick" else {name: trained(name, SEED, profile.dataset)[0] for name in FIVE}
heats = {name.replace("deeper + BN", "+ BN"): heat(net, examples) for name, net in shown_nets.items()}
note = "heat: top 25 maps of the last convolution; + BN is the deeper network with batch normalisation"
figure_2 = figures.heat_grid(examples.images, heats, note=note, **look)
results.keep_figure("figure_2", figure_2)
figure_2

# %% [markdown] slideshow={"slide_type": "subslide"}
# **What we see** (quick, phantoms). In the shallow network the whole hand or foot glows, and so do the letters L and R: the heat is a
# copy of the image. In the deeper network the fingers and toes of one side glow, the wrist hardly does, and there are specks on the black
# background. Is either of them "bone by bone"? Section 7 counts.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Figure 3: the shallow network's five strongest maps
#
# The paper shows them one by one: "the network doesn't learn any medically relevant landmark".

# %% alt="A hand and the shallow network's five strongest maps projected one by one." slideshow={"slide_type": "-"} tags=["hide-input"]
shallow_maps = Deconvnet(nets["shallow"], top_n=5).maps(examples.pixels[:1])
strongest = heat_map(np.abs(shallow_maps.maps[0]), blur_sigma=0.5)
names = [f"map {index}" for index in shallow_maps.indices[0]]
figures.map_strip(examples.images[0], strongest, names, columns=3, note="each map is scaled by itself")

# %% [markdown] slideshow={"slide_type": "skip"}
# **What we see** (quick, phantoms). Three of the five maps copy the whole hand, one follows its outline, and one lights up where the
# exposed field ends. No map picks out a bone. Here the paper's remark holds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Figure 4: a mistake, and what the network saw
#
# The paper shows a hand taken for a cranium. Here is the most confident mistake.

# %% alt="The misclassified radiograph and its nine strongest maps projected one by one." slideshow={"slide_type": "-"} tags=["hide-input"]
judge = best if not scores[best].right.all() else "shallow"
wrong = np.flatnonzero(scores[judge].right == 0)
worst = wrong[scores[judge].confidence[wrong].argmax()] if len(wrong) else 0  # 0: no mistake to show
told, really = (classes[label].replace("_", " ") for label in (scores[judge].predictions[worst], test.labels[worst]))
strange = Deconvnet(nets[judge], top_n=9).maps(test.pixels[[worst]])
names = [f"map {index}" for index in strange.indices[0]]
note = (
    f"{judge}: {really} taken for {told}, confidence {scores[judge].confidence[worst]:.2f}; each map scaled by itself"
)
figures.map_strip(test.images[worst], heat_map(np.abs(strange.maps[0]), blur_sigma=0.5), names, note=note)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The paper says that the maps of its Figure 4 explain the mistake. They cannot: the deconvnet shows what was *strong*, not what spoke for
# the wrong class. In the stored picture, for example, the letter L glows in most of the nine maps. Section 8 takes the letters away, and the
# network does not miss them.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 7. Does heat lie on the landmarks?
#
# "It uses the metatarsals" was an opinion of whoever looked at the figure. On phantoms we can at least measure where the heat lies. This is the
# landmark share of chapter 0, with $h_p$ for the heat at pixel $p$ and $B$ for the pixels of the named bones:
#
# $$\text{landmark share} = \frac{\sum_{p \in B} h_p \,/\, \sum_p h_p}{|B| \,/\, |\text{image}|}$$
#
# Heat spread evenly scores 1, which is chance. Heat that lies only on the named bones scores $|\text{image}| / |B|$, the highest value.
#
# Sections 7 to 9 need the truth, so they stay on phantoms whatever `COURSE_DATASET` says.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### Predict
#
# Will the heat of `deeper + BN` lie *more* on the landmarks than that of the shallow network? Give its landmark share divided by the
# shallow network's (1: the same; 2: twice as much).

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_ratio = 1.5

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### The landmark share, and its rivals

# %% alt="Landmark share of each network, trained and untrained, of the plain image and of even heat on all bones, each with its 95 percent interval; a dashed line marks chance at 1." slideshow={"slide_type": "-"} tags=["hide-input"]
truth_nets = {name: trained(name, SEED, "phantoms")[0] for name in live}
judged = truth_nets["deeper + BN"]
where, landmarks = limbs.images[..., 0], limbs.masks["landmarks"]
limb_heats = {name: heat(net, limbs) for name, net in truth_nets.items()}
fresh = {name: explain.randomize_weights(net, seed=SEED + 1) for name, net in truth_nets.items()}
limb_heats |= {f"{name}, untrained": heat(net, limbs) for name, net in fresh.items()}
limb_heats |= {"the image itself": where / 255, "even heat on all bones": limbs.masks["bones"]}
shares = {name: bootstrap_interval(landmark_share(one, landmarks)) for name, one in limb_heats.items()}
copied = {name: explain.map_correlation(limb_heats[name], where).mean() for name in live}
reason = (
    f"Correlation of heat and plain image: shallow {copied['shallow']:.2f}, deeper + BN {copied['deeper + BN']:.2f}."
)
ratio = round(shares["deeper + BN"][0] / shares["shallow"][0], 2)
check(my_guess_ratio, ratio, f"{reason} Bones are bright: a network that copies the image scores high.", tolerance=0.2)
figures.interval_plot(shares, "landmark share (times chance)", chance=1.0)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **A share of 1 is a low bar.** Bones are bright, so the image itself scores higher than every network here. A share above 1 does *not*
# show that a network looks at bones. Two rivals must be beaten: the plain image (does the heat add anything to brightness?), and the same
# network untrained (did *learning* add anything? Adebayo et al. 2018). The last row shows what perfect heat would reach if it lay on all bones
# alike.
#
# And there is a third question, which no heat map answers: if heat lies on a bone, does the network *need* that bone?

# %% [markdown] slideshow={"slide_type": "notes"}
# **Where the room goes wrong.** The room expects more than 1, because the better network should look at the better place. It is 0.57. The
# shallow network's heat is nearly a copy of the image (correlation 0.90, against 0.60), and the image is bright on the bones. Ask: which of the
# two networks would you rather have, the one with the higher share or the one with 97 % instead of 88 %?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## 8. Take the bones away
#
# Our radiographs are drawn. So we can draw the same one again: the same person, the same beam, the same noise, but **without** the
# metacarpals. All other pixels stay as they were. What a network does not miss, it does not use, however bright a heat map shines there.
# We call this **part removal**, and say that a part is *taken away*. (Hesse, Schaub-Meyer & Roth 2023 do it with drawn birds, and call it
# *single deletion*.)

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### One hand, drawn eight times

# %% alt="One hand drawn eight times: whole, without phalanges, without metacarpals, without carpals, without any bone, without its soft tissue, with nothing but its fat, and the last one exposed anew." slideshow={"slide_type": "-"} tags=["hide-input"]
gone = {"whole": (), "no phalanges": "phalanges", "no metacarpals": "metacarpals", "no carpals": "carpals"}
gone |= {"no bone at all": "bones", "no soft tissue": "soft_tissue", "nothing but fat": REMOVED["all but the fat"]}
hand_pictures = [phantoms.radiograph("hand", 5, size=128, without=one).image for one in gone.values()]
hand_pictures.append(phantoms.radiograph("hand", 5, size=128, without=REMOVED["all but the fat"], reexpose=True).image)
names = [*gone, "fat, exposed anew"]
note = "one person, 128 x 128 pixels; where a bone is taken away, flesh takes its place"
figures.image_sheet(hand_pictures, names, columns=4, panel=2.2, note=note)

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### A trap: dark is not boneless
#
# A picture without its soft tissue is also a *dark* picture, and the network has never seen a dark one. So a part of the loss comes from
# brightness alone. A real machine would set its exposure anew for what is left. In the table that follows, the column **exposed anew** does
# that (`reexpose=True`). Only a loss that remains there is evidence.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### Predict
#
# `deeper + BN` has learned from whole images only. What share of the test images will it still name rightly when **every bone** is
# taken away, and what is left is exposed anew? (0 to 1)

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_boneless = 0.2  # near chance: what is left of a hand without its bones?

# %% slideshow={"slide_type": "subslide"} tags=["cut", "hide-input"]
whole = training.evaluate_classifier(judged, truth)
deleted = training.accuracy_without(judged, whole, {name: redrawn(name) for name in REMOVED})
anew = training.accuracy_without(judged, whole, {name: redrawn(name, reexpose=True) for name in BIG})
table_parts = {"nothing": {"accuracy": whole.accuracy}}
for name, one in deleted.items():
    if one.changed:
        left = anew[name].accuracy if name in anew else None
        table_parts[name] = {"accuracy": one.accuracy, "lost": one.lost, "exposed anew": left}
reason = f"With all bones it is {whole.accuracy[0]:.2f}. Exposed as if the bones were there, so darker: "
reason += f"{deleted['every bone'].accuracy[0]:.2f}."
check(my_guess_boneless, anew["every bone"].accuracy[0], reason, tolerance=0.1)
percent = dict.fromkeys(("accuracy", "lost", "exposed anew"), "%")
figures.table(
    table_parts,
    units=percent,
    row_name="taken away",
    note="deeper + BN; 95 % intervals over test images (lost: of paired differences); letters: L, R; field: what the beam lights; rows without any effect are left out",
)

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# **What does it use?** It uses little of the bones. A hand without finger bones is still a hand to this network, and so is one without
# metacarpals. Images of *nothing but the fat under the skin*, exposed anew, are named nearly as well as whole ones: the **outline and the
# thickness** of the body are enough. But if the soft tissue is taken away and every bone stays in place, the network names only two images
# in three. (Of the skull's row: the brain goes with it.) Section 10 has 24 classes, where neighbours such as wrist and forearm must be
# told apart. In chapter 3 you will meet the opposite: a network that does need the lungs.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Where the room goes wrong.** The usual guess is near chance, one in six. It is 0.93, and 0.97 with all bones. Then the room swings to the
# other side and says that the network uses no bone at all. Point at *all soft tissue*: with every bone in place and nothing else it still names 67 %.
# Ask: what would a set of images have to look like in which the bones are needed?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### Bone by bone: does heat lie where it matters?
#
# We take away a single bone at a time: each of a hand's 27 and the two of its forearm. A network gives each class a number, the **logit**, and
# a softmax turns the logits into probabilities. The **lead** is how far the logit of the right class is over that of the runner-up. The **part
# importance** of a bone is how far the lead shrinks without it. If a heat map told the truth, the bones with much heat would be the important
# ones. So we put the bones in order by heat and by importance, and compare the two orders: Spearman's **rank correlation** is 1 for the same
# order and 0 for no relation.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### Importance, and three explanations

# %% alt="Six hands: their bones tinted by how much the network misses each, and the heat of the deconvnet, of guided backpropagation and of Grad-CAM." slideshow={"slide_type": "-"} tags=["hide-input"]
hands, alone = bone_by_bone("hand")
label = truth.class_names.index("hand")
missed = explain.part_importance(judged, hands.pixels, {bone: one.pixels for bone, one in alone.items()}, label)
painted = sum(
    one.masks["removed"] * np.nan_to_num(missed.margin[:, place])[:, None, None]
    for place, one in enumerate(alone.values())
)
few = {"importance of each bone": heat_map(np.maximum(painted[:6], 0)), "Deconvnet": heat(judged, hands)[:6]}
few |= {name: heat_map(METHODS[name](judged)(hands.pixels[:6], label)) for name in ("GuidedBackprop", "GradCAM")}
figures.heat_grid(hands.images[:6], few, note="each map is scaled by itself; importance: only bones that are missed")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Does one of the three look like the first row?** (Grad-CAM is explained in chapter 2, section 9, guided backpropagation in chapter 5, section
# 5.) It is hard to say by eye, and there is a trap: a large bone holds more heat **and** is missed more, so even random heat agrees a little with
# importance. The bone's mere area is the rival. Section 10 has the correlations for six explanations, over all hands and feet, with what each of
# them knows beyond area. Until then: when a picture glows on the metacarpals, do not conclude that the network needs them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9. A planted shortcut
#
# The paper hopes that heat maps help to detect biases. Let us plant one. A **shortcut** is something that goes with a class in the data and is
# not the thing meant. In this training set every hand carries a bright marker plate in a corner, and no wrist does. A network that reads
# the plate needs no bones. The plate is a part like any other: it can be taken away, and it can be moved to the other class. (Chapters 2, 4 and
# 5 plant shortcuts of other kinds.)

# %% slideshow={"slide_type": "skip"}
PAIR = ("hand", "wrist")
marked = phantom_radiographs("train", PAIR, profile.pick(quick=40, desk=80, paper=200), size, SEED + 1, shortcut="hand")
tests = {"plate on hands": {"shortcut": "hand"}, "no plate": {}, "plate on wrists": {"shortcut": "wrist"}}
tests = {name: phantom_radiographs("test", PAIR, 25, size, SEED + 1, **options) for name, options in tests.items()}


def train_pair(name, data):
    """The deeper network on two classes."""
    keras.utils.set_random_seed(SEED)
    model = deeper_cnn(data.shape, 2, width=width)
    folder = profile.run_folder("01_anatomy_landmarks", "phantoms", name, SEED)
    options = {"epochs": profile.pick(quick=10, desk=25, paper=40), "patience": None, "batch_size": 16, "seed": SEED}
    training.fit_classifier(model, *data.split(0.1, seed=SEED), run_folder=folder, progress=progress, **options)
    return model


misled = train_pair("shortcut", marked)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Predict
#
# On test images that carry the plate as in training, the misled network is nearly perfect. What is its accuracy (0 to 1) when the
# plate sits on every **wrist** and on no hand? (The same 50 people; only the plate moves.)

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_swapped = 0.5  # it never learned bones: a coin

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
accuracy = {name: training.evaluate_classifier(misled, one).accuracy for name, one in tests.items()}
reason = (
    "It uses more than the plate." if accuracy["plate on wrists"][0] > 0.4 else "Worse than a coin: it reads the plate."
)
check(my_guess_swapped, accuracy["plate on wrists"][0], reason, tolerance=0.1)
assert accuracy["plate on hands"][0] > 0.9 and accuracy["plate on wrists"][0] < 0.3

marked_hands = tests["plate on hands"].only(("hand",))
draw = functools.partial(phantom_radiographs, "test", PAIR, 25, size, SEED + 1, shortcut="hand")
parts = {name: draw(without=name).only(("hand",)) for name in ("plate", "bones", "soft_tissue")}
missed = explain.part_importance(misled, marked_hands.pixels, {name: one.pixels for name, one in parts.items()}, 0)
places = {name: one.masks["removed"] for name, one in parts.items()}
on_parts = explain.heat_by_part(heat(misled, marked_hands), places)
plate_table = {
    name.replace("_", " "): {"area": places[name].mean(), "heat": bootstrap_interval(on_parts[:, place]), "missed": one}
    for place, (name, one) in enumerate(explain.mean_importance(missed).items())
}
note = "misled network, 25 hands; missed: drop of the logit over the runner-up when it is taken away"
figures.table(plate_table, units={"area": "%", "heat": "%"}, best={"missed": "high"}, row_name="part", note=note)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Taking away gives the plain answer.** Without its plate a hand loses its class by a wide margin; without its bones it even gains. The
# heat gave a hint: the plate holds more than twice as much of it as of the area. But most of the heat lies elsewhere. The deconvnet
# takes no class, so it also shows maps that the decision ignores. What convicts this network is the removal, and its accuracy when the
# plate is moved.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Where the room goes wrong.** A coin, 0.5, is the usual answer: it never learned bones, so without its plate it should guess. It is 0, because
# the plate is still there and now points the wrong way. Ask what accuracy it has with *no* plate, and why that is another question. Then
# point at the row *bones*: taking them away makes the lead grow.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10. The recorded results
#
# `make results CHAPTER=01` measures the networks of `NETS` under the desk profile, seed by seed, and writes each into
# `chapters/results/01_anatomy_landmarks.json`. The interval of one seed is over test images. An **interval over seeds** reaches from the lowest
# lower end of all seeds to the highest upper end, so it is rather too wide. It holds the images *and* the trainings, and it is made so in all
# chapters. The test people are the same for all networks.

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
SHORT = {
    name: name.replace("deeper + BN", "+ BN", 1).replace("dropout, augmentation", "dropout, aug.") for name in NETS
}
LACKING = {"bones": "boneless", "soft_tissue": "fleshless", "shading": "shadeless"}
SHORT |= {name: f"+ BN, half {LACKING[plan['lacking']]}" for name, plan in NETS.items() if "lacking" in plan}


desk = {"profile": "desk", "dataset": "phantoms", "steps": None}  # of these are the recorded values below


def recorded(columns, networks=NETS, **wanted):
    """A table of recorded values: network -> column -> mean and interval over the seeds."""
    found = results.table(columns, "network", **desk | wanted)
    return {SHORT[name]: found.get(name, dict.fromkeys(columns)) for name in networks}


seeds = {name: one[3] for name, one in results.summary("accuracy", "network", **desk).items()}
table_10 = recorded({"phantoms": "accuracy", "balanced": "balanced_accuracy"}, FIVE)
if results.rows(profile="desk", dataset="unifesp"):
    real = {"UNIFESP": "accuracy", "its balanced": "balanced_accuracy"}
    table_10 = {name: table_10[name] | row for name, row in recorded(real, FIVE, dataset="unifesp").items()}
for name in FIVE:
    table_10[SHORT[name]] = {"paper": NETS[name].get("paper"), **table_10[SHORT[name]], "seeds": seeds.get(name)}
percent = dict.fromkeys([column for column in table_10["shallow"] if column != "seeds"], "%")
note = "accuracy; 24 classes of phantoms, chance is 4.2 %; seeds: those on phantoms, UNIFESP has one or two"
figures.table(table_10, units=percent, row_name="network", note=note)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Accuracy against steps

# %% alt="Validation accuracy against training steps of the five networks, a line for each seed." slideshow={"slide_type": "-"} tags=["hide-input"]
curves = results.curves("steps", "validation_accuracy", "network", profile="desk", dataset="phantoms")
figures.step_curves({SHORT[name]: curves[name] for name in FIVE if name in curves}, "validation accuracy")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **At equal steps, on more than five thousand people:**
#
# - **Depth helps.** With enough images the deeper network does well without BN, too. BN learns fastest.
# - **Dropout needs far longer, and it is fragile.** It hides half of the numbers three times in a row, and that leaves little of a network of half
#   the paper's width. Its three seeds name 6, 38 and 31 %. (Chance is 1 of 24, 4 %.)
# - **With augmentation as well** they name 14, 30 and 8 %. So at equal steps it helps one seed and holds two back.
# - **Three times as many steps** bring seed 1 to 58 % with dropout, and to 63 % with augmentation as well (the intervals overlap). BN alone had a
#   third of these steps, and is 39 and 34 points ahead.
#
# Both curves still rise. This run cannot say whether they win in the end, as in the paper.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Figures 1 and 2, recorded

# %% alt="Three hands and three feet, and below each image the heat maps of five networks, recorded under the desk profile." slideshow={"slide_type": "-"} tags=["hide-input"]
results.figure("figure_2")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Look at the last two rows.** One of these networks names 6 % of the images, near chance (4 %), the other 14 %. Yet their heat lights up the
# finger joints as prettily as that of the network that names 96 %. From the picture alone, could you tell them apart?

# %% [markdown] slideshow={"slide_type": "notes"}
# **Where the room goes wrong.** Hide the names of the rows and let the room choose the best network by its heat maps. Many choose one of the
# last two. They name 6 and 14 % of the images. Ask what the picture can be evidence of, if it looks like this for a network that knows next to
# nothing.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### What all networks use
#
# The first columns show the accuracy on whole images, and on images exposed anew without any bone, without any soft tissue, and with
# nothing but the fat under the skin. The last two show where the deconvnet's heat lies: the landmark share, and that of the same network
# before it has learned anything.

# %% slideshow={"slide_type": "-"} tags=["hide-input"]
left = dict(zip(("no bone", "no soft tissue", "only fat"), BIG, strict=True))
uses = {"whole": "accuracy"} | {name: f"without_exposed_anew/{one}" for name, one in left.items()}
shares_of = {"landmark share": "landmark_share", "untrained": "landmark_share_untrained"}
percent = dict.fromkeys(uses, "%")
table_uses = recorded(uses | shares_of, FIVE)
for one in (table_uses[SHORT[name]] for name in FIVE if "dropout" not in name):  # what the next slide says
    assert 0.03 < one["whole"][0] - one["no bone"][0] < 0.09
    assert 0.78 < one["only fat"][0] < 0.85 and one["no soft tissue"][0] < 0.34
assert table_uses["+ BN"]["landmark share"][1] > table_uses["+ BN"]["untrained"][2]  # what section 11 says
figures.table(table_uses, units=percent, digits=dict.fromkeys(uses, 0), row_name="network", note="three seeds")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **The outline of the flesh, first of all.** The first three networks have learned well. Averaged over their seeds, they lose only 4 to 8
# points of accuracy without any bone. With nothing but the fat under the skin they still name 79 to 84 % of the images. Without soft tissue,
# every bone in place, they name no more than a third.
#
# **What does a single group cost?** The next table shows it for `deeper + BN`. The record holds it for every network (`lost` in its JSON):
# the shallow one loses 29 to 37 points without the edges of the exposed field. For it, the frame is a good part of the picture.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### One group away, and all but one

# %% slideshow={"slide_type": "-"} tags=["hide-input"]
away = recorded(
    {f"{name}/{what}": f"{what}/{name}" for name in ALONE for what in ("lost", "importance")}, ["deeper + BN"]
)["+ BN"]
kept = "fat and one group"
added = recorded({name: f"{kept}, lost/{name}" for name in ALONE}, ["deeper + BN"])["+ BN"]
table_groups = {
    name: {"lead lost": away[f"{name}/importance"], "accuracy lost": away[f"{name}/lost"]}
    | {"gained when added to the fat": added[name] and tuple(0.0 - added[name][place] for place in (0, 2, 1))}
    for name in ALONE
}
units = dict.fromkeys(("accuracy lost", "gained when added to the fat"), "%")
note = (
    "deeper + BN, 24 classes; lead: logit over the runner-up, over images that show the part; exposed anew when added"
)
low = {
    name: min(one["gained when added to the fat"][1:], default=0) for name, one in table_groups.items() if added[name]
}
assert not low or {name for name, one in low.items() if one > 0} == {"upper arm, thigh", "skull", "lungs, airways"}
beyond = {" + ".join(pair): f"beyond_the_sum/{' + '.join(pair)}" for pair in PAIRS}
beyond = {pair: one[0] for pair, one in recorded(beyond, ["deeper + BN"])["+ BN"].items() if one}
most = [pair for pair, more in beyond.items() if more > 0.1]  # what stands two slides further on
assert not beyond or most == ["carpals, tarsals + metacarpals, metatarsals"]
figures.table(table_groups, units=units, row_name="group of parts", note=note)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **How to read it.** The first two columns take one group away. The lead is a mean over the images that show the part, so its rows are
# about different images: the skull shows in heads, the phalanges in hands and feet. Accuracy is counted over all 480 images. The last column
# goes the other way. It starts from nothing but the fat under the skin (78 to 82 % named, exposed anew) and puts one group back. (*Lungs,
# airways*: the lungs with heart and diaphragm, the windpipe, and the air inside the skull.)

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# **No group of bones costs more than 5 points.** The lungs cost 5 to 10, the edges of the exposed field 11 to 21. Put back, the lungs
# bring 4 to 11 points, the bone of the upper arm or thigh 2 to 5, the skull with the brain 2 to 5. No other group brings anything that
# could be told from 0 in every seed: a body of fat with all its finger bones is named no better than the fat alone.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Do bones stand in for each other?** Then a pair would cost more than its two parts add up to, on the same images. The record holds the
# difference (`beyond_the_sum`) for six pairs of groups. In one pair they do, a little: without carpals and metacarpals (in feet: tarsals and
# metatarsals) the lead falls by 0.1, 0.6 and 0.4 more than their sum, in three seeds. The last two of these are clear of 0. All other
# pairs cost what their parts cost, or less.
#
# **Is the loss the class's own?** As a control, the record holds the logit of an unrelated class, too (`importance_for_another_class`). It
# does not fall with the right class. Without a group of bones it rises by 0.1 to 1.6. (The skull is left out here, because the brain goes
# with it.) So other classes gain, and the network gets less sure.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Which classes need bones?

# %% alt="What each of the 24 classes loses of its accuracy when every bone is taken away from its test images, exposed anew, with intervals." slideshow={"slide_type": "-"} tags=["hide-input"]
columns = {name.replace("_", " "): f"lost_by_class/every bone/{name}" for name in phantoms.CLASSES}
lost = {name: one for name, one in recorded(columns, ["deeper + BN"])["+ BN"].items() if one}
lost = dict(sorted(lost.items(), key=lambda one: -one[1][0])[:9])
figures.interval_plot(lost, "accuracy lost without any bone, deeper + BN", chance=0.0, chance_name="nothing lost")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Only 20 images a class, so the intervals are wide. Elbow, knee, lumbar spine and wrist come first: where the outline does not tell two
# neighbours apart, bones do. Of the neighbours that section 8 asked about, the wrist loses 15 to 30 points, the forearm next to nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which explanation agrees with importance?
#
# Rank correlation of heat and importance over the single bones of hands and feet. The rivals are the bone's mere area, the plain
# image, random heat, and the same explanation of the untrained network.

# %% slideshow={"slide_type": "-"} tags=["hide-input"]
told = {}
for row in [*METHODS, "the part's area", "the image itself", "random heat"]:
    columns = {"rank": f"agreement/{row}/rank", "over area": f"agreement/{row}/over area"}
    columns |= {"untrained": f"agreement/{row}, untrained/rank"} if row in METHODS else {}
    told[row] = recorded(columns, ["deeper + BN"])["+ BN"]
    taught = recorded({row: f"agreement/{row}/rank"}, ["deeper + BN, half without soft tissue"])
    told[row]["taught without flesh"] = next(iter(taught.values()))[row]
told["the part's area"]["over area"] = None
note = f"Spearman's rank correlation, {seeds['deeper + BN']} seeds; taught without flesh: half of its training images had no soft tissue"
figures.table(told, row_name="heat of", best={"rank": "high"}, note=note)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **For `deeper + BN`, hardly any explanation beats the size of the bone.** Even *random heat* agrees with importance: large bones hold more
# heat and are missed more. The column "over area" is what an explanation knows beyond size. For occlusion, which takes things away as we
# do, it is about a tenth, for the others less. The gradients of an untrained network agree nearly as well as those of a trained one. (The
# shallow network's heat does better: guided backpropagation has 0.20 to 0.27 over area in three seeds.) So a map that shines on bones does
# not tell which of them count. To know that, take them away. (Chapter 5, section 7, asks a kinder question of maps, over eyes instead of bones,
# and some pass.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### On real radiographs
#
# UNIFESP has 22 body parts, split by patient. No bone can be taken away from a real image, and no landmark is marked. What can be asked is
# the insertion of chapter 0, section 6: show the hottest pixels first, and see how fast the network's confidence comes back. The table holds
# how much faster than with random heat, on 100 test images, paired (the last row: the plain image as heat).

# %% slideshow={"slide_type": "-"} tags=["hide-input"]
columns = {row: f"explanations/{row}/insertion" for row in [*METHODS, "the image itself"]}
by_network = recorded(columns, FIVE[:3], dataset="unifesp")
told = {row: {name: one[row] for name, one in by_network.items()} for row in columns}
best = dict.fromkeys(by_network, "high")
figures.table(
    told,
    best=best,
    row_name="heat of",
    note="insertion, area under the curve, minus that of random heat; one or two seeds",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Most explanations beat random heat.** Grad-CAM and occlusion do not in every network. Guided backpropagation is first or close to it in all
# three networks, and clearly beats the plain image in the two without BN. For `+ BN`, the best network, most explanations do no better. Note
# the gap in the table of accuracies: 81 % of the images, but only 57 % of the classes (balanced accuracy). The chest alone makes 44 %.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **What a reader of films sees.** We looked at the deconvnet's heat of `+ BN` on twelve test films. In four of them the white side marker
# (a letter on a plate) glows. In five an edge of the exposed field does, or the divider between two views on one film: the brightest
# streak of the whole sheet lies on such a divider. (Counted by eye, on 12 films of seed 0.) No landmark study would list these.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ### Can training make it look at bones?
#
# The paper ends with a hope: that such maps lead to training which makes a network use medically relevant landmarks. On phantoms
# we can try. Three networks saw half of their training images without soft tissue (*fleshless*), without bones (*boneless*), or without
# shading (*shadeless*), at the same number of steps.

# %% slideshow={"slide_type": "-"} tags=["hide-input"]
taught = ["deeper + BN", *(name for name in NETS if "lacking" in NETS[name])]
ranks_of = {"rank, deconvnet": "agreement/Deconvnet/rank"}
table_taught = recorded(uses | {"landmark share": "landmark_share"} | ranks_of, taught)
lost_bones = {name: one["whole"][0] - one["no bone"][0] for name, one in table_taught.items()}
assert lost_bones["+ BN, half fleshless"] > 1.5 * lost_bones["+ BN"] > 3 * abs(lost_bones["+ BN, half boneless"])
note = "exposed anew; rank: correlation of heat and importance over single bones; three seeds"
figures.table(
    table_taught, units=dict.fromkeys(uses, "%"), digits=dict.fromkeys(uses, 0), row_name="network", note=note
)

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# **Training can make it need bones.** Where half of the training images had no soft tissue, the network loses 15 points without any bone
# instead of 8, and it names 37 to 54 % of the images that have nothing but bones (exposed anew) instead of 29 %. The price is 3 to 7
# points of accuracy on whole images. Where half had no bones, the network hardly misses them (2 points at most).
#
# **The heat does not show it.** The landmark share does not rise clearly (two networks of different seeds differ more), and the rank
# correlation does not rise either. So the paper's hope holds on phantoms, but by a test that removes parts, not by a map.

# %% [markdown] slideshow={"slide_type": "subslide"} tags=["cut"]
# ### With real films
#
# No film can be taken again without its flesh. But its **shading** can be taken away by a rule: subtract the blurred image. What stays are
# edges and fine structure; what goes is mostly thickness of flesh. The next table shows what such training does on phantoms and on
# UNIFESP, on test images as they are, without shading, without detail (blurred), and smaller and larger: is **size** a cue?

# %% slideshow={"slide_type": "subslide"} tags=["cut", "hide-input"]
shown_as = ("as it is", "no shading", "no detail", "80 %", "90 %", "110 %", "125 %")
SHOWN = {name: f"otherwise/{name}" for name in shown_as}
pair_of = ["deeper + BN", "deeper + BN, half without shading"]
told = {name: {} for name in SHOWN}  # what is tested -> network and data set -> accuracy
for dataset in ("phantoms", "unifesp"):
    for network, one in recorded(SHOWN, pair_of, dataset=dataset).items():
        for name, value in one.items():
            told[name][f"{network.split()[-1]}, {dataset}"] = value
note = "accuracy of + BN and of the shadeless network; phantoms: three seeds, UNIFESP: two; 80 %: all of it smaller"
figures.table(told, units="%", digits=0, row_name="test images", note=note)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **A rule does part of what drawing again did.** On phantoms the shadeless network names 93 to 96 % of the images as they are, `+ BN` 94 to
# 97 %: in two of three seeds the intervals overlap, in one it is four points behind. Without shading it still names 94 %, where `+ BN` is
# lost. Without any bone (the table further up) it loses 10 to 13 points instead of 8. So it needs bones a little more. On UNIFESP such
# training costs six and eight points in two seeds, and images without shading are named by 73 and 74 % instead of 56 and 59. So with real
# films training can move a network from thickness to structure. Whether that structure is bone, no test on a real film can say.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Size** is hardly a cue on phantoms: a tenth smaller or larger costs `+ BN` 0 to 4 points, a fifth smaller or a quarter larger 5 to 15. On
# UNIFESP it costs more, but there everything costs more: 853 films are few to learn from. (Magnifying also blurs a little and moves the frame.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11. Paper and ours
#
# - **Reproduced in kind**: the networks of Tables 2 to 4 with the paper's layers; the deconvnet with its switches, equal to an
#   independent reference (torch, and loops in NumPy: `tests/test_deconvnet_reference.py`); Figures 1 to 4 where bones are known.
# - **Shrunk**: image side, classes, images and the width of the networks. The top 25 maps are therefore a larger part of all maps.
# - **Reproduced in order** (24 classes of phantoms): depth helps. Batch normalisation learns faster, and leads by 2 to 4 points at the end
#   in each of three seeds.

# %% [markdown] slideshow={"slide_type": "subslide"}
# - **Not reproduced**: that dropout and augmentation win. At the same number of steps they are 59 points or more behind BN alone, at
#   half the paper's width; after three times as many steps still 34.
# - **Supported for `deeper + BN`**: in each of three seeds more heat lies on the named bones than before training. The deeper network
#   without BN shows this in two seeds, and the shallow network's share falls in two.
# - **Not supported**: that a network with heat on the landmarks *uses* them. It names nearly nine of ten images without a single bone.
# - **The paper's hope holds on phantoms**: training can make a network use bones. Its heat maps hardly show it.
# - **Not yet recorded**: more than one seed of the networks with dropout on UNIFESP.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Errata
#
# - The caption of Fig. 2 points to "Fig. 1 (a) & (c)", the foot's anatomy and the foot's heat: (c) and (f), the heat maps, are meant.
# - Table 4's network adds batch normalisation *and* dropout to augmentation: 90.36 -> 95.62 does not isolate augmentation. Our
#   fourth network would, had both learned to the end (section 10).
# - "Insufficient capacity" does not mean few weights: at 224 x 224 pixels the shallow network has more than 22 times the deeper one's.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Decisions where the paper is silent
#
# - 'same' padding, stride 1, ReLU after each convolution (after BN where there is BN), grey images, "0.25p" means drop 25 %.
# - Adam, learning rate 0.001; a tenth of the training part decides which epoch is kept; He-normal start, random weights of a size that keeps signals alive through ReLUs (the deeper network without
#   BN hardly trains from Keras' default at this size); BN momentum 0.9 (with 0.99 its statistics lag behind in short trainings).
# - Maps are ranked by their largest activation and projected one by one; signed BN factor on the way back, biases dropped;
#   absolute values summed, blurred with 1 pixel, divided by the 99th percentile.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 12. Exercises
#
# ### Exercise 1: who survives the pool?
#
# Take the image $Y$ with the rows 5 1 0 2, 0 0 3 1, 1 1 0 0 and 4 2 7 6. Work out by hand which of its pixels survive a 2 x 2 max pool
# and its way back, then write `survivors`: a bool array (4, 4).

# %% slideshow={"slide_type": "skip"} tags=["solution"]
survivors = np.zeros((4, 4), dtype=bool)
survivors[[0, 1, 3, 3], [0, 2, 0, 2]] = True

# %% slideshow={"slide_type": "skip"}
Y = np.array([[5, 1, 0, 2], [0, 0, 3, 1], [1, 1, 0, 0], [4, 2, 7, 6]], dtype=np.float32)
pooled_back = Deconvnet(toy, layer="second", top_n=1).maps(Y[None, :, :, None]).maps[0, 0]
assert np.array_equal(survivors, pooled_back > 0), "compare with the largest value of each 2 x 2 block"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2: break the layer, find the test that notices
#
# `Relu.backward` in `lib/lookinside/explain/network/reversals.py` rectifies the signal on the way back. Write `broken`, with the
# same arguments, which lets everything through. Exactly one test in `tests/test_deconvnet.py` would notice. Find it by reading, or break
# the file and run `.venv/bin/pytest tests/test_deconvnet.py`, and put the test's name into `noticed`.


# %% slideshow={"slide_type": "skip"} tags=["solution"]
def broken(self, signal, memory, shape):
    return signal


noticed = "test_relu_on_the_way_back_looks_at_the_signal_not_at_the_input"

# %% slideshow={"slide_type": "skip"} tags=["warns"]
pair_of_layers = [keras.layers.Conv2D(1, 1, activation="relu", use_bias=bias) for bias in (False, True)]
negative = keras.Sequential([keras.Input((1, 1, 1)), *pair_of_layers])
negative.set_weights([np.ones((1, 1, 1, 1)), -np.ones((1, 1, 1, 1)), np.array([5.0])])
pixel = np.full((1, 1, 1, 1), 2, np.float32)  # 2 -> max(0, 5 - 2) = 3; back: 3 * -1 = -3
assert Deconvnet(negative).maps(pixel).maps.item() == 0
with mock.patch("lookinside.explain.network.reversals.Relu.backward", broken):
    assert Deconvnet(negative).maps(pixel).maps.item() == -3, "broken should let negative values through"
assert hashlib.sha256(noticed.encode()).hexdigest()[:8] == "d1a80cb7", "read what each test asserts"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 3: make the plate worthless
#
# Build a training set in which the plate tells nothing: half of it with the plate on hands, half with the plate on wrists, as many
# images as before. Train `honest` on it with `train_pair(name, data)`; the name is that of its run folder, so take a new one. Its accuracy on
# `tests["plate on wrists"]` should come back.
# `phantom_radiographs("train", PAIR, count, size, seed, shortcut="wrist")` draws `count` images *of each class*; `a_set.split(0.5, seed)`
# returns two sets; `first.join(second)` joins two.

# %% slideshow={"slide_type": "skip"} tags=["solution"]
half = marked.split(0.5, seed=SEED)[0]
other_half = phantom_radiographs("train", PAIR, len(half) // 2, size, SEED + 2, shortcut="wrist")
honest = train_pair("worthless-plate", half.join(other_half))

# %% slideshow={"slide_type": "skip"}
honest_accuracy = training.evaluate_classifier(honest, tests["plate on wrists"]).accuracy[0]
print(f"plate on wrists: {accuracy['plate on wrists'][0]:.2f} misled, {honest_accuracy:.2f} after the mend")
assert honest_accuracy > accuracy["plate on wrists"][0] + 0.3, "the plate still tells the class"

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## What to take along
#
# - A deconvnet walks a network backwards: transposed filters, remembered switches, ReLU. It needs no training and takes no class.
# - A heat map needs a truth (the landmark share) and two rivals (the plain image, and the same network untrained).
# - Heat on a bone does not show that the network needs the bone. Take the bone away and see.
# - Count before you believe: the network that is called less capable has more than 22 times the weights.

# %% slideshow={"slide_type": "skip"}
boneless = anew["every bone"].accuracy[0]
where = "" if profile.on_phantoms else " (on phantoms)"
record_result(
    f"accuracy {whole.accuracy[0]:.2f}, without any bone {boneless:.2f}; landmark share {shares['deeper + BN'][0]:.2f}{where}",
    accuracy=whole.accuracy[0],
    accuracy_without_bones=boneless,
    landmark_share=shares["deeper + BN"][0],
)
