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

# %% [markdown] slideshow={"slide_type": "slide"}
# # Chapter 1: does the network look where a radiologist looks?
#
# **The paper's claim.** Three convolutional networks learn to tell 24 body parts apart on radiographs. Projecting the strongest
# feature maps of the last convolution back to the image shows that the best network (95.6 %) looks at the *landmarks* a
# radiologist names, bone by bone; the worse ones do not.
#
# D. Kumar and V. Menkovski, *Understanding Anatomy Classification Through Visualization*, 2016.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **What you will have built**
#
# - the paper's three networks and the fourth one that its table leaves out,
# - the *deconvnet* (Zeiler & Fergus 2014), first by hand on a 4 x 4 image, then for any Keras model,
# - the paper's figures on radiographs whose bones are *known*, so that "it looks at the metacarpals" becomes a number.
#
# **Cost** (quick profile, two CPU cores): about two minutes and 2.3 GB; no GPU, no download.

# %% [markdown] slideshow={"slide_type": "notes"}
# The one idea to carry home: a heat map is a measurement, and a measurement wants a truth to be compared with and a control.
# Sections 2 and 3 fit one lecture, sections 4 to 7 a second one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. Set-up
#
# Everything a cell below uses is imported here. The *profile* decides how big the experiment is (`quick` on a laptop, `desk`
# for the recorded results, `paper` for the paper's sizes), and one seed makes it repeatable.

# %% slideshow={"slide_type": "skip"}
import dataclasses
import functools
import hashlib
from unittest import mock

import keras
import numpy as np

from lookinside import explain, figures
from lookinside.course import check, profile, progress, record_result, set_up
from lookinside.course.results import Results
from lookinside.data import load_images, phantom_radiographs
from lookinside.explain import (
    Deconvnet,
    bootstrap_interval,
    compare,
    heat_map,
    landmark_share,
    map_correlation,
    mass_in_region,
    randomize_weights,
)
from lookinside.explain.network import reversals
from lookinside.models import PAPER_TABLES, deeper_cnn, layer_table, shallow_cnn
from lookinside.phantoms import CLASSES
from lookinside.training import augmentation, evaluate_classifier, fit_classifier

SEED = profile.seed
set_up(seed=SEED)
print(profile)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2. The images
#
# The paper used the ImageCLEF 2009 radiographs, which may not be passed on. We draw our own: a **phantom** is a person made of
# named ellipsoids (bones, muscles, lungs), X-rayed by formula. It looks like a radiograph and, unlike a real one, it comes with
# the truth: for each pixel we know which bones the ray has crossed.
#
# The same cells run on real images: `make data SET=unifesp FROM=folder`, then `COURSE_DATASET=unifesp make run CHAPTER=01`. Remarks
# under the figures, and what the figures' descriptions say, are about the stored run: quick, on phantoms.

# %% slideshow={"slide_type": "skip"}
classes = profile.pick(quick=("hand", "wrist", "foot", "ankle", "chest", "cranium"), desk=CLASSES, paper=CLASSES)
size = profile.pick(quick=64, desk=64, paper=224)
per_class = profile.pick(quick=(40, 20), desk=(50, 20), paper=(600, 60))
if profile.on_phantoms:
    full_train = phantom_radiographs("train", classes, per_class[0], size, seed=SEED)
    test = phantom_radiographs("test", classes, per_class[1], size, seed=SEED)
else:
    full_train = load_images(profile.dataset, "train", size)
    test = load_images(profile.dataset, "test", size)
    classes = full_train.class_names
train, validation = full_train.split(0.1, seed=SEED)

# %% [markdown] slideshow={"slide_type": "-"}
# A tenth of the training images is held out (**validation**): it decides which epoch's weights are kept and, in longer runs, when
# to stop; a few dozen images are a coarse judge. No network trains on the test images. We do choose the network of Figure 4 by
# them, so that one's accuracy is slightly flattered.

# %% slideshow={"slide_type": "subslide"} tags=["nbval-check-output"]
print(f"{len(train)} images to train on, {len(validation)} to validate, {len(test)} to test; {size} x {size} pixels")
largest = max(test.counts().values())
print(f"always naming the largest class would score {100 * largest / len(test):.1f} %: the majority baseline")

# %% alt="A sheet of training images, four of each of the first six classes, as grey radiographs." slideshow={"slide_type": "subslide"} tags=["hide-input"]
shown = [i for c in range(min(6, len(classes))) for i in np.flatnonzero(train.labels == c)[:4]]
note = f"{profile.dataset}: training images, {size} x {size} pixels, black 0 to white 255"
figures.image_sheet(train.images[shown], [classes[train.labels[i]] for i in shown], columns=8, note=note)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The landmarks of the paper
#
# In the heat maps of one foot and one hand the authors recognise
#
# - **foot**: edges of the metatarsal shafts, distal phalanges, navicular, cuboid, tibia, fibula;
# - **hand**: three distal phalanges, many heads of joints, the metacarpals' shafts, certain carpals.
#
# So the list was read *from* the pictures that it is to judge. We take all bones of each kind ("heads of joints" as heads of the
# metacarpals) and fix them before we look. The other finger bones and the heel count as *off* the landmarks, though they tell a
# hand or a foot well. A pixel belongs to a bone if its ray crosses it: the **chord**, the ray's length inside it, is above zero.

# %% slideshow={"slide_type": "skip"}
focus = (
    ("hand", "foot") if {"hand", "foot"} <= set(classes) else tuple(sorted(test.counts(), key=test.counts().get)[-2:])
)
focus_test = test.only(focus)
first_three = np.concatenate([np.flatnonzero(focus_test.labels == c)[:3] for c in (0, 1)])
examples = focus_test.subset(first_three)
example_titles = [focus[label] for label in examples.labels]

# %% alt="Three hands and three feet; below each, its landmark bones are tinted: finger tips, metacarpals and carpals; toe tips, metatarsals, navicular and cuboid, tibia and fibula." slideshow={"slide_type": "subslide"} tags=["hide-input"]
note = f"{size} x {size} pixels; tinted: the landmarks that the paper names, where the truth is known"
figures.heat_grid(examples.images, {}, regions=examples.regions, titles=example_titles, note=note)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3. Three networks, and the one that is missing
#
# The paper's appendix prints three architectures (Tables 2, 3, 4). We build them with the paper's numbers; `deeper_cnn` takes the
# two things that Table 4 adds, batch normalisation and dropout, as switches.
#
# - **Batch normalisation (BN)** brings each map to mean 0 and variance 1 over the batch, then multiplies by a learned $\gamma$ and
#   adds a learned $\beta$. Once trained it uses running averages $\mu$, $\sigma^2$ instead of the batch's:
#   $y = \gamma (x - \mu) / \sqrt{\sigma^2 + \varepsilon} + \beta$, with a small constant $\varepsilon$.
# - **Dropout** sets a random share of numbers to zero while training, so that no single one is relied on.
# - **Augmentation** shows every image a little cropped, turned, shifted, sheared, stretched or mirrored.
#
# Below, `32x` means 32 maps, FC a fully connected layer (every input to every output), `conv2_1` block 2, first convolution.

# %% slideshow={"slide_type": "subslide"} tags=["nbval-check-output", "hide-input"]
paper_nets = {2: shallow_cnn((224, 224, 1), 24), 3: deeper_cnn((224, 224, 1), 24)}


def beside_paper(table):
    rows = {row.name: row for row in layer_table(paper_nets[table])}
    for kind, what, name in PAPER_TABLES[table]:
        print(f"{kind:23s} {what:16s} -> {name:8s} {rows[name].shape!s:16s} {rows[name].weights:>11,d} weights")


beside_paper(3)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Predict: which network is the small one?
#
# The paper says that "shallow models that do not have sufficient capacity fail to use relevant landmarks". The shallow network
# (Table 2) has two convolutions of 32 and 64 maps, one 2 x 2 pool, and a hidden layer of 128. How many times as many weights as
# the deeper one has the **shallow** network, at 224 x 224 pixels? (Below 1 means that it has fewer.)

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess = 0.2  # two convolutions against ten

# %% slideshow={"slide_type": "subslide"}
beside_paper(2)
weights = {table: net.count_params() for table, net in paper_nets.items()}
paper_nets.clear()  # the shallow one alone holds 400 MB
check(
    my_guess,
    round(weights[2] / weights[3], 1),
    "Its hidden layer reads a map of 112 x 112 x 64 numbers: 103 million weights. It is shallow, not small.",
    tolerance=2,
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **So "insufficient capacity" cannot mean too few weights.** What is small is the depth: a value of the shallow network's last
# convolution sees 5 x 5 pixels (its **receptive field**), of the deeper one's 92 x 92, at 64 pixels the whole image. Five pixels
# hold an edge, at 224 pixels hardly a bone. That this is *why* it does worse is plausible; we have not tested it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The fourth network
#
# Table 1 of the paper has three columns: 71.1 %, 90.36 % and 95.62 %. Between the second and the third, *three* things change
# at once: batch normalisation, dropout and augmentation. What did augmentation do? The table cannot say. The missing network
# has Table 4's layers but sees the images as they are. A fifth one, with BN alone, tells BN and dropout apart.

# %% slideshow={"slide_type": "subslide"} tags=["nbval-check-output", "hide-input"]
paper_nets[4] = deeper_cnn((224, 224, 1), 24, batch_norm=True, dropout=True)
beside_paper(4)

# %% slideshow={"slide_type": "skip"}
width = profile.pick(quick=0.5, desk=1.0, paper=1.0)
epochs = profile.pick(quick=(6, 8, 0, 0, 0), desk=(15, 40, 40, 60, 100), paper=(60, 100, 100, 150, 200))
patience = profile.pick(quick=(6, 8, 0, 0, 0), desk=(12, 12, 12, 25, 30), paper=(20, 20, 20, 30, 40))
NETS = {  # name: (function, its options, augmentation?, the paper's accuracy)
    "shallow": (shallow_cnn, {}, False, 0.711),
    "deeper": (deeper_cnn, {}, False, 0.9036),
    "deeper + BN": (deeper_cnn, {"batch_norm": True}, False, None),
    "deeper + BN, dropout": (deeper_cnn, {"batch_norm": True, "dropout": True}, False, None),
    "deeper + BN, dropout, augmentation": (deeper_cnn, {"batch_norm": True, "dropout": True}, True, 0.9562),
}
short = dict(zip(NETS, ("shallow", "deeper", "+ BN", "+ BN, dropout", "+ augmentation"), strict=True))
trained = [name for name, limit in zip(NETS, epochs, strict=True) if limit]
final = trained[-1]
print("trained under this profile:", ", ".join(trained))

# %% [markdown] slideshow={"slide_type": "fragment"}
# The **quick** profile trains the first two, with half of the paper's maps in every layer. BN doubles the time of an epoch, and a
# network with dropout learns slowly (half of its numbers are hidden at each step, three times in a row): those belong to the desk
# profile, whose results are recorded in section 10.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4. The deconvnet, by hand
#
# A convolutional network goes forward like this, block by block, with an image $X$, filters $F$ and biases $b$:
#
# $$A = \max(0,\; F * X + b) \qquad P, S = \mathrm{pool}(A)$$
#
# $A$ is a stack of **feature maps**. The **max pool** keeps the largest of each 2 x 2 block in $P$; where in the block it stood is
# the **switch** $S$. The deconvnet goes back through the same layers:
#
# $$\hat{A} = \mathrm{unpool}(\hat{P}, S) \qquad \hat{X} = F^{T} * \max(0,\; \hat{A})$$
#
# $\hat{P}$ comes from the layer above, or is the chosen map itself. Unpooling puts each value back where the switch says, zero
# elsewhere; the *transposed* convolution $F^T$ spreads each value over the pixels it was computed from.

# %% [markdown] slideshow={"slide_type": "notes"}
# The ReLU on the way back looks at the sign of what comes back, not at whether the ReLU was open on the way forward: that tells the
# deconvnet from a gradient. Zeiler & Fergus' reason: feature maps are never negative, so neither should their reconstructions be.
# Stress that no training is involved on the way back: filters and switches are those of the forward pass of this one image.

# %% [markdown] slideshow={"slide_type": "subslide"}
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

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The way back
#
# The next layer has one filter of one pixel again, $F = 2$, so its map is $2P$: this is the map that we project. Its way back
# multiplies by 2 once more. Then each value returns to its switch.

# %% slideshow={"slide_type": "-"}
top = np.maximum(0, 2 * P)  # forward through the next layer, F = 2
P_hat = 2 * np.maximum(0, top)  # back through it: ReLU, then the transposed filter
A_hat = np.kron(P_hat, np.ones((2, 2))) * S  # unpool: to the switch, zero elsewhere
X_hat = 1 * np.maximum(0, A_hat)  # ReLU, then the first filter, F = 1

# %% alt="Four number grids: the 4 by 4 image with its four block maxima framed, the 2 by 2 pooled map 3 4 6 5, the top map 6 8 12 10, and the projection with 12, 16, 24, 20 at the framed places and zeros elsewhere." slideshow={"slide_type": "subslide"} tags=["hide-input"]
figures.number_grids(
    {"image X": X, "pooled P": P, "top map 2P": top, "projection": X_hat},
    highlight={"image X": S, "projection": S},
    note="framed: the switches S",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Predict
#
# The top map is largest, 12, at the lower left. In the projection the lower left block holds 24. If pixel $X_{30} = 6$ (row 3,
# column 0, counted from 0) were brighter, 7, what would stand there?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_projection = 25  # one more

# %% slideshow={"slide_type": "subslide"}
check(
    my_guess_projection,
    4 * 7,
    "Forward times 2, back times 2: the projection is linear as long as no switch and no ReLU changes.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The library does the same
#
# `Deconvnet(model)` reads the layers of any Keras model and walks them backwards. `maps` returns the projections of the single
# maps, before they are summed.

# %% slideshow={"slide_type": "-"}
toy = keras.Sequential(
    [
        keras.Input((4, 4, 1)),
        keras.layers.Conv2D(1, 1, activation="relu", kernel_initializer=keras.initializers.Constant(1), name="first"),
        keras.layers.MaxPooling2D(2, name="pool"),
        keras.layers.Conv2D(1, 1, activation="relu", kernel_initializer=keras.initializers.Constant(2), name="second"),
    ]
)
by_library = Deconvnet(toy, layer="second", top_n=1).maps(X[None, :, :, None]).maps[0, 0]
assert np.array_equal(by_library, X_hat)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The transposed filter
#
# A filter of more than one pixel mixes neighbours; its transpose hands a value back to the same neighbours with the same weights.
# Written as a matrix $M$ (a row per output), forward is $M x$ and back is $M^{T} z$. Take a row of six pixels with a bright
# "bone" of three, and a filter that answers to a left edge.

# %% slideshow={"slide_type": "-"}
x = np.array([0, 0, 1, 1, 1, 0], dtype=np.float32)
F = np.array([-1, 1], dtype=np.float32)
M = np.zeros((5, 6), dtype=np.float32)
for i in range(5):
    M[i, i : i + 2] = F
z = np.maximum(0, M @ x)
print("map:       ", z)
print("projection:", M.T @ z)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The projection is the filter's own picture, $-1\; 1$, put where the edge is: *negative* on the dark side, positive on the bright one. So
# a projection has signs. The paper shows heat; like most of the field we take absolute values before summing maps.

# %% slideshow={"slide_type": "-"}
edge = keras.Sequential([keras.Input((1, 6, 1)), keras.layers.Conv2D(1, (1, 2), activation="relu", name="edge")])
edge.layers[0].set_weights([F.reshape(1, 2, 1, 1), np.zeros(1)])
assert np.allclose(Deconvnet(edge, top_n=1).maps(x.reshape(1, 1, 6, 1)).maps[0, 0, 0], M.T @ z)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### From maps to a heat map
#
# 1. Run the image forward, keep every switch.
# 2. Rank the maps of the last convolution by their largest value; take the top $n = 25$.
# 3. Project each map alone. (BN on the way back multiplies by its factor $\gamma / \sqrt{\sigma^2 + \varepsilon}$; biases drop out.)
# 4. Sum the absolute projections, blur lightly, divide by the 99th percentile.
#
# No class enters: the deconvnet shows what the strongest maps saw, not why *hand* beat *wrist*. That is chapter 5's question.


# %% slideshow={"slide_type": "skip"}
@functools.cache
def deconvnet(model, top_n):
    """One for each network: it is traced once, then only fed."""
    return Deconvnet(model, top_n=top_n)


def heat(model, images, *, top_n=25, blur=1.0):
    """Heat maps (N, H, W) in [0, 1] of images (N, H, W, 1)."""
    return heat_map(deconvnet(model, top_n)(images / np.float32(255)), blur_sigma=blur)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5. Training
#
# Predict first. On this set, which of the trained networks will be best on the test images? Name it as in `NETS`.

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_best = "shallow"


# %% slideshow={"slide_type": "skip"}
def train_net(name, data, held_out, *, tag=profile.dataset):
    """A network of NETS, trained with Adam in batches of 16; the weights of its best epoch on `held_out`."""
    build, options, augmented, _ = NETS[name]
    place = list(NETS).index(name)
    keras.utils.set_random_seed(SEED)
    model = build(data.shape, len(data.class_names), width=width, **options)
    augment = augmentation(data.shape, seed=SEED) if augmented else None
    folder = profile.run_folder("01_anatomy_landmarks", tag, name, SEED)
    limits = {"epochs": epochs[place], "patience": patience[place], "batch_size": 16}
    return model, fit_classifier(
        model, data, held_out, augment=augment, run_folder=folder, seed=SEED, progress=progress, **limits
    )


# %% slideshow={"slide_type": "skip"}
COMPARED = ("shallow", "deeper + BN")  # the networks whose other explanations the desk profile scores
METHODS = {
    "Deconvnet": Deconvnet,
    "ClassDeconvnet": explain.ClassDeconvnet,
    "Saliency": explain.Saliency,
    "SmoothGrad": explain.SmoothGrad,
    "GuidedBackprop": explain.GuidedBackprop,
    "GradCAM": explain.GradCAM,
    "LayerCAM": explain.LayerCAM,
    "Occlusion": lambda model: explain.Occlusion(model, size // 4, size // 8),
}
compared = (focus_test.split(0.6, seed=SEED) if profile.on_phantoms else test.split(0.15, seed=SEED))[1]


def measure_explanations(name, net):
    """For the record: the landmark share of the deconvnet's heat, and for two networks all of METHODS."""
    values = {}
    if profile.on_phantoms:
        shares = landmark_share(heat(net, focus_test.images), focus_test.regions)
        values["landmark_share"] = bootstrap_interval(shares)
    if name in COMPARED:
        pixels, regions = compared.images / np.float32(255), compared.regions
        values["explanations"] = compare(METHODS, net, pixels, regions=regions, seed=SEED, progress=progress)
    return values


# %% slideshow={"slide_type": "skip"}
results = Results("01_anatomy_landmarks")
nets, histories, scores = {}, {}, {}
for name in trained:
    nets[name], histories[name] = train_net(name, train, validation)
    scores[name] = score = evaluate_classifier(nets[name], test)
    settings = {"classes": len(classes), "size": size, "train": len(train), "test": len(test), "batch": 16}
    settings |= {"epochs_at_most": epochs[list(NETS).index(name)], "epochs": histories[name].epochs}
    values = {"accuracy": score.accuracy, "balanced_accuracy": score.balanced_accuracy, "majority": score.majority}
    if profile.name != "quick":  # minutes; section 10 shows what was recorded
        values |= measure_explanations(name, nets[name])
    results.record(name, seed=SEED, seconds=sum(histories[name].seconds), settings=settings, values=values)

# %% alt="Two panels: cross-entropy and accuracy over epochs for the trained networks, training thin and validation thick." slideshow={"slide_type": "subslide"} tags=["hide-input"]
figures.learning_curves({name: history.curves for name, history in histories.items()})

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Table 1, and its missing column
#
# The paper's accuracies are of 24 classes and some 1,470 test images; ours are of the set above. Every accuracy comes with its 95 % interval
# (Wilson's, which behaves near 0 and 1). **Balanced accuracy** is the mean over classes of the share found: a network that
# only knows the common classes cannot hide behind it.

# %% slideshow={"slide_type": "-"}
print(f"{'network':36s} paper    ours  [95 % interval]  balanced")
for name, score in scores.items():
    in_paper = f"{100 * NETS[name][3]:5.1f}" if NETS[name][3] else "    -"
    value, low, high = (100 * x for x in score.accuracy)
    print(f"{name:36s} {in_paper}   {value:5.1f}  [{low:5.1f}, {high:5.1f}]    {100 * score.balanced_accuracy:5.1f}")
print(f"{'majority baseline':36s}     -   {100 * scores['shallow'].majority:5.1f}")

# %% slideshow={"slide_type": "subslide"}
best = max(scores, key=lambda name: scores[name].accuracy[0])
right = {name: (score.predictions == test.labels).astype(float) for name, score in scores.items()}
rival = max((name for name in scores if name != best), key=lambda name: right[name].mean())
gap, low, high = (100 * x for x in bootstrap_interval(right[best] - right[rival]))
tied = low <= 0  # then both answers stand
verdict = "The interval holds 0: these two cannot be told apart." if tied else "More than noise."
reason = f"{best} is {gap:.1f} points ahead of {rival} [{low:.1f}, {high:.1f}]. {verdict}"
check(my_guess_best, best, reason, also=rival if tied else None)
if profile.on_phantoms:
    assert min(score.accuracy[0] for score in scores.values()) > 2 * scores["shallow"].majority

# %% [markdown] slideshow={"slide_type": "notes"}
# The interval says how the figure would vary over other test images, not over other trainings: for those see the seeds in section
# 10. Validation may lie above training in the curves: training accuracy is averaged over the epoch while the weights still move.

# %% alt="Confusion matrix of the best network: true class in rows, predicted class in columns, most counts on the diagonal, most mistakes into or out of the wrist." slideshow={"slide_type": "subslide"} tags=["hide-input"]
figures.confusion_matrix(scores[best].confusion, classes, title=best)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6. The paper's figures
#
# ### Figure 1: landmarks beside heat
#
# The last network trained above, its top 25 maps, on hands and feet. Look for the bones that the paper names. (The paper's Figure 1
# is the augmented network. Under `quick` the last one is the deeper network *without* augmentation, the paper's Figure 2; all
# five, recorded, are in section 10.)

# %% alt="Hands and feet, their landmark bones tinted, and the heat map of the last trained network laid over them." slideshow={"slide_type": "subslide"} tags=["hide-input"]
heats = {short[name]: heat(net, examples.images) for name, net in nets.items()}
note = f"{size} x {size} pixels; heat: top 25 maps of the last convolution, bright = strong"
last = {short[final]: heats[short[final]]}
figures.heat_grid(examples.images, last, regions=examples.regions, titles=example_titles, note=note)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Figure 2: every network trained here

# %% alt="The same hands and feet, their landmark bones tinted, with the heat maps of the trained networks, a row for each." slideshow={"slide_type": "-"} tags=["hide-input"]
figure_2 = figures.heat_grid(examples.images, heats, regions=examples.regions, titles=example_titles, note=note)
results.keep_figure("figure_2", figure_2)
figure_2

# %% [markdown] slideshow={"slide_type": "subslide"}
# **What we see** (quick, phantoms). Shallow: the whole hand or foot glows, and the letters L and R with it. Deeper: one side of the
# hand, the heel, the side of the foot, and some heat on the black background where there is nothing to see. Is either "bone by
# bone"? Section 7 counts.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Figure 3: the shallow network's five strongest maps
#
# The paper shows them one by one: "the network doesn't learn any medically relevant landmark".

# %% alt="A hand and the shallow network's five strongest maps projected one by one: two fill the whole hand, one its contour, two the lower edge of the exposed field." slideshow={"slide_type": "-"} tags=["hide-input"]
shallow_maps = Deconvnet(nets["shallow"], top_n=5).maps(examples.images[:1] / np.float32(255))
figures.map_strip(
    examples.images[0],
    heat_map(np.abs(shallow_maps.maps[0]), blur_sigma=0.5),
    [f"map {index}" for index in shallow_maps.indices[0]],
    columns=6,
    note="each map is scaled by itself",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Figure 4: a mistake, and what the network saw
#
# The paper shows a hand taken for a cranium. Here is the best network's most confident mistake (or, where it makes none, the
# shallow network's), with its nine strongest maps.

# %% alt="The misclassified radiograph and its nine strongest maps projected one by one." slideshow={"slide_type": "-"} tags=["hide-input"]
judge = best if (scores[best].predictions != test.labels).any() else "shallow"
wrong = np.flatnonzero(scores[judge].predictions != test.labels)
worst = wrong[scores[judge].confidence[wrong].argmax()] if len(wrong) else 0  # 0: no mistake to show
told, really = (classes[label].replace("_", " ") for label in (scores[judge].predictions[worst], test.labels[worst]))
strange_maps = Deconvnet(nets[judge], top_n=9).maps(test.images[[worst]] / np.float32(255))
figures.map_strip(
    test.images[worst],
    heat_map(np.abs(strange_maps.maps[0]), blur_sigma=0.5),
    [f"map {index}" for index in strange_maps.indices[0]],
    note=f"{judge}: {really} taken for {told}, confidence {scores[judge].confidence[worst]:.2f}; each map scaled by itself",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **What we see** (quick, phantoms): a wrist, called a cranium with full confidence. The nine maps glow along the edges of bones, one on
# the border of the exposed field; nothing in them looks like a skull. The deconvnet shows what was *strong*, not what spoke for
# *cranium*: that this explains the mistake, as the paper reads its own Figure 4, we cannot see.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7. Is it true? The landmark share
#
# "It uses the metatarsals" was an opinion of whoever looked at the figure. On phantoms it can be measured. Let $h_p$ be the heat at
# pixel $p$ and $B$ the pixels of the named bones:
#
# $$\text{landmark share} = \frac{\sum_{p \in B} h_p \,/\, \sum_p h_p}{|B| \,/\, |\text{image}|}$$
#
# Heat spread evenly scores **1**, which is chance; heat on bones alone scores image over bones, the most there is.

# %% [markdown] slideshow={"slide_type": "fragment"}
# Sections 7 to 9 need the truth, so they stay on phantoms whatever `COURSE_DATASET` says: on a real set, two networks are trained
# on phantoms for them.

# %% slideshow={"slide_type": "skip"}
if profile.on_phantoms:
    truth_nets, truth = nets, focus_test
else:
    phantom_classes = ("hand", "wrist", "foot", "ankle")
    phantom_train = phantom_radiographs("train", phantom_classes, 40, size, seed=SEED)
    truth = phantom_radiographs("test", ("hand", "foot"), 20, size, seed=SEED)
    parts = phantom_train.split(0.1, seed=SEED)
    truth_nets = {name: train_net(name, *parts, tag="phantoms-for-truth")[0] for name in ("shallow", "deeper")}
judged = list(truth_nets)[-1]

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Predict
#
# Will the last network's heat be *more* on the landmarks than the shallow network's? Give the ratio of the two landmark shares
# (1: the same; 2: twice as much).

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_ratio = 1.5

# %% slideshow={"slide_type": "subslide"}
truth_heats = {name: heat(net, truth.images) for name, net in truth_nets.items()}
shares = {name: landmark_share(one, truth.regions) for name, one in truth_heats.items()}
intervals = {name: bootstrap_interval(one) for name, one in shares.items()}
ratio = intervals[judged][0] / intervals["shallow"][0]
copied = {name: map_correlation(one, truth.images[..., 0]).mean() for name, one in truth_heats.items()}
reason = f"Correlation of heat and plain image: shallow {copied['shallow']:.2f}, {short[judged]} {copied[judged]:.2f}."
check(my_guess_ratio, ratio, f"{reason} Bones are bright: who copies the image scores.", tolerance=0.2)

# %% alt="Landmark share of each network with its 95 percent interval; a dashed line marks chance at 1." slideshow={"slide_type": "subslide"} tags=["hide-input"]
figures.interval_plot(intervals, "landmark share (times chance)", chance=1.0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How high can it get?
#
# Between a network and the highest score stand the blur that we draw the map with, the clipping at the 99th percentile, and, for a
# method that knows only the *cells* of the last map (8 x 8 pixels; Grad-CAM in chapter 5), its coarseness. The deconvnet's switches
# remember the pixel inside the cell, so for it the third is a comparison, not a bound. We put a *perfect* heat, the landmarks
# themselves, through blur and cells, and beside it heat that needs no network.

# %% slideshow={"slide_type": "skip"}
perfect = truth.regions.astype(np.float32)
cell = 8
coarse = perfect.reshape(len(perfect), size // cell, cell, size // cell, cell).mean((2, 4))
coarse = np.kron(coarse, np.ones((1, cell, cell), np.float32))
ceilings = {
    "perfect heat": perfect,
    "perfect heat, blurred": heat_map(perfect, blur_sigma=1.0),
    "perfect heat, in cells of 8 x 8": coarse,
    "even heat on all bones": truth.bones.astype(np.float32),
    "the image itself": truth.images[..., 0] / np.float32(255),
    "even heat where it is not black": (truth.images[..., 0] > 10).astype(np.float32),
    f"{short[judged]}, as projected": Deconvnet(truth_nets[judged])(truth.images / np.float32(255)),
}
for blur in (0.0, 2.0):
    ceilings[f"{short[judged]}, blur {blur:g} px"] = heat(truth_nets[judged], truth.images, blur=blur)
ceilings = {name: bootstrap_interval(landmark_share(one, truth.regions)) for name, one in ceilings.items()}

# %% alt="Landmark share of a perfect heat map, blurred, and in cells of eight pixels; of even heat on bones, of the image's own brightness, of even heat on all that is not black, and of the last network with and without blur." slideshow={"slide_type": "subslide"} tags=["hide-input"]
figures.interval_plot(ceilings, "landmark share (times chance)", chance=1.0)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **1 is a low bar.** Even heat that only stays off the black background passes it, and bones are bright, so the image itself scores
# far higher. A share above 1 does *not* show that a network looks at bones. Compare it with the image (does it add anything to
# brightness?) and, in section 9, with the same network untrained (did *learning* add anything?).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8. A planted shortcut
#
# The paper hopes that heat maps help to detect biases. Let us plant one. In this training set every **hand** carries
# a bright marker plate in a corner, and no other class does. A network that reads the plate needs no bones.

# %% slideshow={"slide_type": "skip"}
pair = ("hand", "wrist")
count = profile.pick(quick=40, desk=80, paper=200)
marked = phantom_radiographs("train", pair, count, size, seed=SEED + 1, shortcut="hand")
marked_test = phantom_radiographs("test", pair, 25, size, seed=SEED + 1, shortcut="hand")
clean_test = phantom_radiographs("test", pair, 25, size, seed=SEED + 1)
swapped_test = phantom_radiographs("test", pair, 25, size, seed=SEED + 1, shortcut="wrist")


# %% slideshow={"slide_type": "skip"}
def train_pair(name, data):
    """The deeper network on two classes."""
    keras.utils.set_random_seed(SEED)
    model = deeper_cnn(data.shape, 2, width=width)
    rest, part = data.split(0.1, seed=SEED)
    folder = profile.run_folder("01_anatomy_landmarks", "phantoms", name, SEED)
    limits = {"epochs": profile.pick(quick=10, desk=25, paper=40), "patience": None, "batch_size": 16}
    fit_classifier(model, rest, part, run_folder=folder, seed=SEED, progress=progress, **limits)
    return model


misled = train_pair("shortcut", marked)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Predict
#
# On test images that carry the plate as in training, the misled network is nearly perfect. What is its accuracy (0 to 1) when
# the plate sits on every **wrist** and on no hand? (The same 50 people; only the plate moves.)

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_swapped = 0.5  # it never learned bones: a coin

# %% slideshow={"slide_type": "subslide"}
accuracy = {
    "plate on hands": evaluate_classifier(misled, marked_test).accuracy,
    "no plate": evaluate_classifier(misled, clean_test).accuracy,
    "plate on wrists": evaluate_classifier(misled, swapped_test).accuracy,
}
reason = (
    "Worse than a coin: it reads the plate." if accuracy["plate on wrists"][0] < 0.4 else "It uses more than the plate."
)
check(my_guess_swapped, accuracy["plate on wrists"][0], reason, tolerance=0.1)
assert accuracy["plate on hands"][0] > 0.9 and accuracy["plate on wrists"][0] < 0.3

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Mend it: take the border away
#
# Plates lie at the border. We blacken the outer fifth of every side, which covers every plate, in training and in test, and train
# again.


# %% slideshow={"slide_type": "skip"}
def cropped(data, border=size // 5):
    """The same images with a black border; the masks of plates and landmarks are cropped alike."""
    inside = np.zeros(data.shape[:2], dtype=bool)
    inside[border:-border, border:-border] = True
    return dataclasses.replace(
        data,
        images=data.images * inside[..., None].astype(np.uint8),
        regions=data.regions & inside,
        shortcuts=data.shortcuts & inside,
    )


assert not any(cropped(one).shortcuts.any() for one in (marked, marked_test, swapped_test)), "a piece of plate is left"
mended = train_pair("cropped", cropped(marked))
accuracy["plate on wrists, cropped"] = evaluate_classifier(mended, cropped(swapped_test)).accuracy
assert accuracy["plate on wrists, cropped"][0] > 0.7

# %% alt="Accuracy with intervals: high with the plate on hands, lower with no plate, near zero with the plate on wrists, and high again after cropping." slideshow={"slide_type": "subslide"} tags=["hide-input"]
figures.interval_plot(accuracy, "accuracy (share)", chance=0.5, chance_name="coin toss")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### See the heat move
#
# Hands of the test set: the misled network's heat with the plate and with the plate taken away, an untrained network's, and the
# mended network's on the cropped image.

# %% alt="Five hands with a marker plate in a corner, the plate tinted, and four rows of heat: misled, misled without the plate, untrained, and mended on the cropped image." slideshow={"slide_type": "subslide"} tags=["hide-input"]
hands = marked_test.only(("hand",))
plate_heats = {
    "misled": heat(misled, hands.images),
    "misled, no plate": heat(misled, clean_test.only(("hand",)).images),
    "untrained": heat(randomize_weights(misled, seed=SEED), hands.images),
    "mended, cropped": heat(mended, cropped(hands).images),
}
first_five = {name: one[:5] for name, one in plate_heats.items()}
without_plate, inner = clean_test.only(("hand",)).images[:5], cropped(hands).images[:5]
under = {"misled, no plate": without_plate, "mended, cropped": inner}
note = "tinted: the plate; heat lies over the image that the network saw; white: where the plate is or was"
figures.heat_grid(
    hands.images[:5], first_five, regions=hands.shortcuts[:5], note=note, region_name="plate", under=under
)

# %% slideshow={"slide_type": "subslide"}
on_plate = {name: bootstrap_interval(mass_in_region(one, hands.shortcuts)) for name, one in plate_heats.items()}
inside = cropped(hands).regions
on_bones = {name: bootstrap_interval(landmark_share(one, inside)) for name, one in plate_heats.items()}
area = hands.shortcuts.mean()
print(f"the plate covers {100 * area:.1f} % of the image")
for name in plate_heats:
    (plate, low, high), (bones, bones_low, bones_high) = on_plate[name], on_bones[name]
    line = f"{name:17s} heat on it {100 * plate:4.1f} % [{100 * low:3.1f}, {100 * high:3.1f}]"
    print(f"{line}   landmark share {bones:.2f} [{bones_low:.2f}, {bones_high:.2f}]")
assert on_plate["misled"][1] > max(area, on_plate["misled, no plate"][2])

# %% [markdown] slideshow={"slide_type": "subslide"}
# **What the heat told us, and what it did not.** It moved to the plate, and away from it when the plate was gone. But most of the heat
# stayed off the plate: the deconvnet takes no class, so it also shows maps that the decision ignores. That little heat lies on a
# blackened corner proves nothing. The *accuracy with the plates swapped* convicted this network; the picture hinted at it.
#
# Recorded (desk, seed 0): 9.6 % of the heat on the plate against 0.4 % once it is taken away. Landmark share: 0.8 with the plate, 1.6
# without it, 1.2 for the mended network, and 1.6 for an *untrained* one. So the plate draws heat away, and the heat goes when the plate
# goes; that the mended network looks at the named bones is *not* shown: it stays below the untrained one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9. The control: a network that has learned nothing
#
# If a heat map shows what a network has *learned*, then it must change clearly when the learning is taken away (Adebayo et al.
# 2018, *Sanity Checks for Saliency Maps*). We give the last network fresh random weights and draw the same heat maps.
#
# How similar will the two be? Guess the correlation over pixels, from -1 to 1.

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_correlation = 0.5

# %% slideshow={"slide_type": "subslide"}
untrained_heat = heat(randomize_weights(truth_nets[judged], seed=SEED), truth.images)
similarities = {
    "trained, untrained": map_correlation(truth_heats[judged], untrained_heat),
    "untrained, the image": map_correlation(untrained_heat, truth.images[..., 0]),
    "trained, the next picture's": map_correlation(truth_heats[judged], np.roll(truth_heats[judged], 1, axis=0)),
}
similarities = {name: bootstrap_interval(one) for name, one in similarities.items()}
similarity = similarities["trained, untrained"]
check(my_guess_correlation, similarity[0], "The next rows say how much the picture alone gives.", tolerance=0.1)
for name, (value, low, high) in similarities.items():
    print(f"{name:28s} {value:.2f} [{low:.2f}, {high:.2f}]")
beyond = similarity[0] - similarities["trained, the next picture's"][0]
print(f"more alike than the maps of two different pictures, by {beyond:.2f}")

# %% alt="Hands and feet with the heat of the trained network, in patches, and of the untrained one, speckled all over the exposed field." slideshow={"slide_type": "subslide"} tags=["hide-input"]
pick = np.concatenate([np.flatnonzero(truth.labels == c)[:3] for c in (0, 1)])
rows = {"trained": truth_heats[judged][pick], "untrained": untrained_heat[pick]}
figures.heat_grid(truth.images[pick], rows, note="the same images, network and method; only the weights differ")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Verdict**: passed in part. The map changes when the learning goes, but not to nothing, and a good part of what stays is the picture
# itself, which these layers copy whatever their weights. Recorded (desk, seed 0): 0.63, where maps of two different pictures have
# 0.49 in common anyway.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Did learning raise the landmark share?
#
# Each network against itself with random weights, five draws of its own. An untrained interval runs from the lowest to the highest end
# over the draws. (Batch normalisation that has seen no image is all but the identity: an untrained network with it is one without.)

# %% slideshow={"slide_type": "skip"}
learned = {}
for place, (name, net) in enumerate(truth_nets.items()):
    fresh, draws = randomize_weights(net), []
    for draw in range(5):
        fresh.set_weights(randomize_weights(net, seed=SEED + 1 + 10 * place + draw).get_weights())
        draws.append(bootstrap_interval(landmark_share(heat(fresh, truth.images), truth.regions)))
    estimates, lows, highs = zip(*draws, strict=True)
    learned[short[name]] = intervals[name]
    learned[f"{short[name]}, untrained"] = (np.mean(estimates), min(lows), max(highs))
if profile.on_phantoms:
    assert intervals[judged][0] > learned[f"{short[judged]}, untrained"][2], "learning did not raise the share"

# %% alt="Landmark share of each trained network and, below it, of five untrained copies, with intervals, and chance at 1." slideshow={"slide_type": "subslide"} tags=["hide-input"]
figures.interval_plot(learned, "landmark share (times chance)", chance=1.0)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The shallow network scores as high untrained: its share is its architecture's, a copy of the image (Nie et al. 2018 show why for
# deconvnets in general). The deeper network's share rises with training. That *rise*, not the share, is what learning did.
#
# Recorded on 24 classes (desk, seed 0): shallow 2.3, and 2.9 to 3.8 untrained. The deeper networks score 1.4 to 1.8 untrained (five
# draws each, over draws and images); trained without BN 1.5, with BN 2.1, with BN and dropout 2.8, with augmentation as well 2.6. So
# *learning* moved the heat of the last three to the named bones, as the paper's eye saw in the last. The most accurate network (BN
# alone) is not the one that looks there most. Seeds 1 and 2 agree where they were run: shallow 1.8 and 2.2, without BN 1.8 and 1.4,
# with BN 2.1 twice.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10. The recorded results
#
# `make results CHAPTER=01` runs this chapter under the desk profile, seed by seed, and writes every finished network into
# `chapters/results/01_anatomy_landmarks.json`. Intervals of one seed are over test images; of several seeds they run from the lowest
# low to the highest high end. The paper's values (crosses) are of ImageCLEF, not of these sets.
#
# Not reached: a second seed of the two networks with dropout; `make results` goes on where it was stopped.

# %% slideshow={"slide_type": "skip"}
about_final = {"landmark_share_untrained": learned, "correlations": similarities, "ceilings": ceilings}
about_final |= {"shortcut_accuracy": accuracy, "heat_on_plate": on_plate, "landmark_share_with_plate": on_bones}
if profile.on_phantoms:
    results.add(final, seed=SEED, values=about_final)

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
columns = [results.summary(value, profile="desk") for value in ("accuracy", "balanced_accuracy", "landmark_share")]
print(f"{'data set':9s} {'network':14s} seeds  accuracy in %      balanced  landmark share")
in_order = sorted(columns[0], key=lambda key: (key[0], list(NETS).index(key[1])))
for key in in_order:
    value, low, high, seeds = columns[0][key]
    balanced, share = (column.get(key) for column in columns[1:])
    line = f"{key[0]:9s} {short[key[1]]:14s} {seeds:5d}  {100 * value:4.1f} [{100 * low:4.1f}, {100 * high:4.1f}]"
    line += f"  {100 * balanced[0]:8.1f}"
    print(line + ("  {:4.2f} [{:4.2f}, {:4.2f}]".format(*share) if share else ""))

# %% alt="Recorded accuracies of the networks on phantoms and on UNIFESP radiographs with their intervals, the paper's values as crosses." slideshow={"slide_type": "subslide"} tags=["hide-input"]
recorded = {f"{data}: {short[name]}": columns[0][data, name][:3] for data, name in in_order}
reference = {f"{data}: {short[name]}": NETS[name][3] for data, name in in_order if NETS[name][3]}
figures.interval_plot(recorded, "accuracy (share)", reference=reference)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Figures 1 and 2, recorded
#
# The landmarks, and the heat of all five networks of the desk profile, trained on all 24 classes.

# %% alt="Three hands and three feet, and below each image the heat maps of the five networks: outlines for the shallow one, broad speckled patches for the deeper one, spots on joints for those with batch normalisation." slideshow={"slide_type": "subslide"} tags=["hide-input"]
results.figure("figure_2")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Other explanations of the same networks
#
# Would another explanation have told more than the deconvnet? Under the desk profile, two of the networks are asked by eight
# explanations, on 24 hands and feet a seed (on UNIFESP, where no bone is known, on a sixth of the test images).
#
# - **share**, **points**: landmark share and pointing game, as in chapter 0; "random heat" is chance
# - **insertion** (high is good), **deletion** (low is good): the class's probability as pixels come or go, hottest first
# - **untrained**: correlation with the map of the same network with fresh weights; **next**: with the next picture's map

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
SCORES = {"landmark_share": "share", "pointing_game": "points", "insertion": "insertion", "deletion": "deletion"}
SCORES |= {"untrained": "untrained", "next_image": "next"}


def explanations_table(data, net):
    """The recorded means over seeds and images; the larger half of the interval behind each."""
    wanted = {"profile": "desk", "dataset": data, "net": net}
    print(f"{data}, {net}".ljust(18) + "".join(f"{name:>13s}" for name in SCORES.values()))
    for row in [*METHODS, "the image itself", "random heat"]:
        found = [results.summary(f"explanations/{row}/{score}", **wanted).get((data, net)) for score in SCORES]
        cells = [f"{one[0]:7.2f} ±{max(one[0] - one[1], one[2] - one[0]):.2f}" if one else "-" for one in found]
        print(f"{row:18s}" + "".join(f"{cell:>13s}" for cell in cells))


explanations_table("phantoms", "deeper + BN")

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
explanations_table("phantoms", "shallow")

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
explanations_table("unifesp", "deeper + BN")

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
explanations_table("unifesp", "shallow")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Which explanation wins? It depends on whom you ask, and the plain image is in the race.**
#
# - **share**: none reaches the image's 4. With BN all eight beat chance; for the shallow network Grad-CAM falls *below* it. Both hold
#   in each of the three seeds.
# - **deletion**: with BN on phantoms, only occlusion keeps up with the image. To delete is to blacken, what is bright is bone, and to
#   blacken is what occlusion does. On UNIFESP random heat deletes about as well as most.
# - **insertion**: with BN, every mean lies above random heat's in each seed of the phantoms, and the gradients' above the image's in
#   one seed of three. On UNIFESP random heat reaches 0.73 in one seed: there, nothing is clear of chance in all three.

# %% [markdown] slideshow={"slide_type": "subslide"}
# - **untrained**: with BN, guided backpropagation and LayerCAM (0.3 to 0.6) show much the same without any learning; SmoothGrad and
#   ClassDeconvnet (0.1 to 0.2) do not. Grad-CAM's and occlusion's few coarse patches fall one way or the other (-0.3 to 0.4 by seed).
#   Only this score asks the network alone, and it is blind to the bones.
# - **points** moves by 0.04 a picture: its intervals are as wide as its differences.
#
# So no explanation is best, and a single score would have named one. Choose by the question: *where is the evidence* (share, with a
# truth), *does the network use it* (insertion, or a planted shortcut), *did it learn it* (untrained).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11. Paper and ours
#
# - **Reproduced in kind**: the networks of Tables 2 to 4 with the paper's layers; the deconvnet with its switches, equal to an
#   independent reference (torch, and loops in NumPy: `tests/test_deconvnet_reference.py`); Figures 1 to 4 where bones are known.
# - **Shrunk**: image side, classes, images, epochs, and under `quick` the width. The top 25 are 4/5 of the shallow network's maps
#   there and 2/5 of the deeper one's (in the paper 25 of 64 and of 128): the heat maps are not sums over equal parts.
# - **Reproduced in order** (24 classes of phantoms, three seeds): depth helps, and batch normalisation helps; the intervals do not
#   touch. On UNIFESP the order is the same in each of three seeds, but neighbours' intervals overlap.

# %% [markdown] slideshow={"slide_type": "subslide"}
# - **Not reproduced**: dropout *lowers* the accuracy here, on phantoms by half. It ended by its epochs, not by patience: with a tenth of
#   the paper's images an epoch has a tenth of the steps, and hiding half of all numbers three times in a row makes each teach little.
# - **Not settled**: augmentation. On phantoms the augmented network ends above the one without, but it also had 100 epochs against 60;
#   on UNIFESP it does not, in spite of them (61.5 and 62.7 %, far inside each other's intervals).
# - **Supported** (phantoms; one seed for dropout): BN and dropout move the heat to the landmarks: 2.1 to 2.8 times chance against 1.4
#   to 1.8 untrained. Augmentation adds nothing that can be measured.
# - **Not supported**: that heat on landmarks comes with accuracy. The most accurate network is third; the shallow network's share is
#   high because it copies the image; and no network's heat reaches the plain image's 4.0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Errata
#
# - The caption of Fig. 2 points to "Fig. 1 (a) & (c)", the foot's anatomy and the foot's heat: (c) and (f), the heat maps, are meant.
# - Table 4's network adds batch normalisation *and* dropout to augmentation: 90.36 -> 95.62 does not isolate augmentation. Our
#   fourth network does.
# - "Insufficient capacity" does not mean few weights: at 224 x 224 pixels the shallow network has more than 22 times the deeper one's.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Decisions where the paper is silent
#
# - 'same' padding, stride 1, ReLU after each convolution (after BN where there is BN), grey images, "0.25p" means drop 25 %.
# - Adam, learning rate 0.001; 10 % of the training part decides when to stop; He-normal start (the deeper network without BN hardly
#   trains from Keras' default at this size); BN momentum 0.9 (with 0.99 its statistics lag behind in short trainings).
# - Maps are ranked by their largest activation and projected one by one; signed BN factor on the way back, biases dropped;
#   absolute values summed, blurred with 1 pixel, divided by the 99th percentile.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 12. Exercises
#
# ### Exercise 1: the missing pool
#
# Work out by hand which pixels of this 4 x 4 image survive a 2 x 2 max pool and its way back, then write `survivors`: a bool array (4, 4).

# %% slideshow={"slide_type": "-"}
Y = np.array([[5, 1, 0, 2], [0, 0, 3, 1], [1, 1, 0, 0], [4, 2, 7, 6]], dtype=np.float32)

# %% slideshow={"slide_type": "skip"} tags=["solution"]
survivors = np.zeros((4, 4), dtype=bool)
survivors[[0, 1, 3, 3], [0, 2, 0, 2]] = True

# %% slideshow={"slide_type": "skip"}
pooled_back = Deconvnet(toy, layer="second", top_n=1).maps(Y[None, :, :, None]).maps[0, 0]
assert np.array_equal(survivors, pooled_back > 0), "compare with the largest value of each 2 x 2 block"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2: break the layer, find the test that notices
#
# `Relu.backward` in `lib/lookinside/explain/network/reversals.py` rectifies the signal on the way back. Write `broken`, with the same
# arguments, which lets everything through. Then find the test in `tests/test_deconvnet.py` that would notice, and put its name
# into `noticed`.


# %% slideshow={"slide_type": "skip"} tags=["solution"]
def broken(self, signal, memory, shape):
    return signal


noticed = "test_relu_on_the_way_back_looks_at_the_signal_not_at_the_input"

# %% slideshow={"slide_type": "skip"}
pair_of_layers = [keras.layers.Conv2D(1, 1, activation="relu", use_bias=bias) for bias in (False, True)]
negative = keras.Sequential([keras.Input((1, 1, 1)), *pair_of_layers])
negative.set_weights([np.ones((1, 1, 1, 1)), -np.ones((1, 1, 1, 1)), np.array([5.0])])
pixel = np.full((1, 1, 1, 1), 2, np.float32)  # 2 -> max(0, 5 - 2) = 3; back: 3 * -1 = -3
assert Deconvnet(negative).maps(pixel).maps.item() == 0
with mock.patch.object(reversals.Relu, "backward", broken):
    assert Deconvnet(negative).maps(pixel).maps.item() == -3, "broken should let negative values through"
assert hashlib.sha256(noticed.encode()).hexdigest()[:8] == "d1a80cb7", "read what each test asserts"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 3: make the plate worthless
#
# Build a training set in which the plate tells nothing: half of it with the plate on hands, half with the plate on wrists, as many
# images as before. Train `honest` on it. Its accuracy on `swapped_test` should come back. `phantom_radiographs(...,
# shortcut="wrist")` draws the second half; `dataclasses.replace(marked, images=np.concatenate([...]), ...)` joins two sets: images,
# labels, names (tuples: `+`), regions, bones, shortcuts.

# %% slideshow={"slide_type": "skip"} tags=["solution"]
half = marked.split(0.5, seed=SEED)[0]
other = phantom_radiographs("train", pair, count // 2, size, seed=SEED + 2, shortcut="wrist")
joined = {name: np.concatenate([getattr(half, name), getattr(other, name)]) for name in ("images", "labels", "regions")}
joined |= {name: np.concatenate([getattr(half, name), getattr(other, name)]) for name in ("bones", "shortcuts")}
honest = train_pair("worthless-plate", dataclasses.replace(half, names=half.names + other.names, **joined))

# %% slideshow={"slide_type": "skip"}
honest_accuracy = evaluate_classifier(honest, swapped_test).accuracy[0]
print(f"plate on wrists: {accuracy['plate on wrists'][0]:.2f} misled, {honest_accuracy:.2f} after the mend")
assert honest_accuracy > accuracy["plate on wrists"][0] + 0.3, "the plate still tells the class"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to take along
#
# - A deconvnet walks a network backwards: transposed filters, remembered switches, ReLU. It needs no training and takes no class.
# - A heat map needs a truth (the landmark share), a baseline (the image itself) and a control (the same network untrained).
# - An erratum found by counting: the "less capable" network had more than 22 times the weights.

# %% slideshow={"slide_type": "skip"}
score = scores[final]
where = "" if profile.on_phantoms else " (on phantoms)"
record_result(
    f"{short[final]}: accuracy {score.accuracy[0]:.2f}, landmark share {intervals[judged][0]:.2f}{where}",
    accuracy=score.accuracy[0],
    landmark_share=intervals[judged][0],
    correlation_with_untrained=similarity[0],
)
