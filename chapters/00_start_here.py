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
# # Start here: what do medical-image networks see?
#
# A network says *hand*. Did it look at the bones, or at the marker beside them? This course rebuilds five papers that ask
# such questions, and adds what they could not have: images whose truth is known, so that an explanation can be *scored*.
#
# This page checks your computer, shows the five papers, and explains the few words and habits that all chapters share.
#
# **Cost** (two CPU cores): a minute, 0.9 GB, no GPU, no download.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ten minutes at the start of a first lecture: run the check together, guess the landmark share together, then chapter 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. Is everything in place?
#
# Each line is `[OK]`, or `[FAIL]` with what to do about it.

# %% slideshow={"slide_type": "skip"}
import numpy as np

from lookinside import explain, figures
from lookinside.course import check, environment_report, profile, progress, record_result, set_up
from lookinside.data import phantom_radiographs
from lookinside.explain import bootstrap_interval, landmark_share, pointing_game
from lookinside.models import deeper_cnn
from lookinside.phantoms import radiograph, radiograph_set
from lookinside.training import evaluate_classifier, fit_classifier

set_up(seed=profile.seed)

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
report = environment_report()
print(report)

# %% slideshow={"slide_type": "skip"}
assert report.ok, "mend the lines marked [FAIL] above, then restart the kernel"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2. Five papers on one page
#
# | chapter | paper | images | what it shows |
# |---|---|---|---|
# | 1 | Kumar & Menkovski 2016 | radiographs | where the strongest feature maps look, bone by bone |
# | 2 | Khan & Yong 2016 | organs, many modalities | what depth and width buy, and which filters die |
# | 3 | Roth et al. 2015 | CT slices | augmentation by bending, and a whole body's profile |
# | 4 | Liu et al. 2019 | fetal ultrasound | a detector whose votes can be traced back |
# | 5, 6 | Wang et al. 2019 | eye backgrounds | a map of the disease, and a network that draws it |
#
# Chapters 1 to 4 are here; the others follow the same pattern.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3. A profile
#
# The same notebook runs on a laptop and on a GPU. The **profile** says how big it is:
#
# - `quick`: the default, a few classes of drawn images, minutes on two CPU cores;
# - `desk`: all classes or real images, hours on a CPU: the recorded results;
# - `paper`: the paper's sizes, one GPU.
#
# A number that depends on it is written where it is used:

# %% slideshow={"slide_type": "-"}
epochs = profile.pick(quick=6, desk=40, paper=60)
print(profile, "->", epochs, "epochs")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Change it
#
# Set environment variables before the notebook starts:
#
#     COURSE_PROFILE=desk make run CHAPTER=01      # a bigger run
#     COURSE_DATASET=unifesp make run CHAPTER=01   # real radiographs, once prepared (see README)
#     COURSE_SEED=1 make run CHAPTER=01            # other random numbers
#
# Nothing is downloaded unless you ask for it with `make data`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4. Images whose truth is known
#
# A **phantom** is a person made of ellipsoids, X-rayed by formula: the ray loses light along its **chord**, the length of its
# way through each ellipsoid (the Beer-Lambert law). So we know, for every pixel, which bones its ray has crossed.

# %% slideshow={"slide_type": "skip"}
hand = radiograph("hand", seed=5, size=128)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What is known of each pixel

# %% alt="A drawn radiograph of a hand; the same with its named parts in colour; the same with the landmarks that a radiologist names tinted." slideshow={"slide_type": "-"} tags=["hide-input"]
figure = figures.new_figure(9, 3.3)
panels = figure.subplots(1, 3)
figures.show_image(panels[0], hand.image, "radiograph, 128 x 128 pixels")
figures.show_image(panels[1], hand.image, f"{len(np.unique(hand.parts)) - 1} named parts")
parts = np.where(hand.parts > 0, (hand.parts * 7) % 20, 0).astype(float)
panels[1].imshow(np.ma.masked_equal(parts, 0), cmap="tab20", alpha=0.6, interpolation="nearest")
figures.show_region(panels[2], hand.image, hand.landmark_mask, "landmarks of the hand")
figure

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5. A graded prediction
#
# Before most results you are asked to guess. A guess that misses teaches more than a result that is only read.
#
# A **heat map** gives every pixel a number; *what* it measures depends on the method. The **landmark share** compares the heat on the landmarks
# with the landmarks' part of the image:
#
# $$\text{landmark share} = \frac{\text{heat on the landmarks} \,/\, \text{all heat}}{\text{pixels of the landmarks} \,/\, \text{all pixels}}$$
#
# **Guess**: a heat map that is the same everywhere. What is its landmark share?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess = 0.5  # half of it misses

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
even = np.ones((1, *hand.image.shape), dtype=np.float32)
answer = landmark_share(even, hand.landmark_mask[None])[0]
check(my_guess, answer, "Even heat puts on the landmarks just their part of the image: 1 is chance.", tolerance=0.01)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A harder one
#
# Take the image itself as a heat map: bright pixel, much heat. No network is involved, nothing was learned. What is its
# landmark share, averaged over twenty hands?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_image = 2.0

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
hands = radiograph_set(("hand",), 20, size=64, seed=1)
shares = landmark_share(hands.images.astype(np.float32), hands.landmark_masks)
mean, low, high = bootstrap_interval(shares)
check(my_guess_image, mean, "Bones are bright, so brightness alone finds them.", tolerance=0.3)

# %% slideshow={"slide_type": "-"}
print(f"landmark share of the image itself: {mean:.2f}, 95 % interval [{low:.2f}, {high:.2f}]")
assert low > 1

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What to make of it
#
# A heat map that lies on the bones proves little as long as the plain image does so too. That is why each chapter scores its
# explanations against a **truth**, a **baseline** (the image, an untrained network) and an **interval**.
#
# The interval above is a **bootstrap**: the twenty hands are drawn anew, with repetition, two thousand times; 95 % of the means
# fall between the two ends.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6. One image, many explanations
#
# There are many ways to make a heat map of the same decision. We train a small network on hands, feet and wrists, and ask all of
# them why it says *hand*. What each one does is the matter of chapters 1, 2 and 5; here only look.

# %% slideshow={"slide_type": "skip"}
classes = ("hand", "foot", "wrist")
train, validation = phantom_radiographs("train", classes, 40, 64, seed=profile.seed).split(0.1, seed=profile.seed)
test = phantom_radiographs("test", classes, 20, 64, seed=profile.seed)
model = deeper_cnn(train.shape, len(classes), width=0.35)
fit_classifier(model, train, validation, epochs=12, batch_size=16, patience=None, seed=profile.seed, progress=progress)
print("accuracy {:.2f} [{:.2f}, {:.2f}]".format(*evaluate_classifier(model, test).accuracy))

# %% slideshow={"slide_type": "skip"}
METHODS = {
    "Saliency": explain.Saliency,
    "SmoothGrad": explain.SmoothGrad,
    "GuidedBackprop": explain.GuidedBackprop,
    "ClassDeconvnet": explain.ClassDeconvnet,
    "GradCAM": explain.GradCAM,
    "Occlusion": explain.Occlusion,
}
hands = test.only(("hand",))
pixels = hands.pixels


def all_heats(network):
    return {name: np.maximum(method(network)(pixels, 0), 0) for name, method in METHODS.items()}


trained, untrained = all_heats(model), all_heats(explain.randomize_weights(model, seed=profile.seed))

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Six explanations of one hand

# %% alt="One drawn hand, its landmarks tinted, and the heat of six explanations: fine edges for the gradients, broad patches for Grad-CAM and occlusion; below, the same for an untrained network." slideshow={"slide_type": "-"} tags=["hide-input"]
figure = figures.new_figure(9.6, 3.2)
panels = figure.subplots(2, len(METHODS) + 1)
figures.show_image(panels[0, 0], hands.images[0], "radiograph")
figures.show_region(panels[1, 0], hands.images[0], hands.masks["landmarks"][0], "landmarks")
for column, name in enumerate(METHODS, start=1):
    figures.show_heat(panels[0, column], hands.images[0], explain.heat_map(trained[name][0]), name)
    figures.show_heat(panels[1, column], hands.images[0], explain.heat_map(untrained[name][0]), f"{name},\nuntrained")
figure

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which one tells the truth?
#
# - **landmark share**: as above; 1 is chance.
# - **pointing game**: how often the hottest pixel lies on a landmark (Zhang et al. 2018).
# - **insertion**: put the pixels into a blurred image, hottest first, and watch the class's probability; the area under the curve
#   (Petsiuk et al. 2018). It asks the network, not the bones.
#
# "random heat" says what chance is for each.
#
# **Guess**: how many of the six score a higher landmark share than the plain image?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_better = 4

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
landmarks = hands.masks["landmarks"]
rows = {"the image itself": hands.images[..., 0].astype(float), **trained}
rows["random heat"] = np.random.default_rng(profile.seed).random(landmarks.shape)
scored = {name: bootstrap_interval(landmark_share(one, landmarks)) for name, one in rows.items()}
better = sum(scored[name][0] > scored["the image itself"][0] for name in METHODS)
check(my_guess_better, better, "Look at the table: what beats the image, and what beats its own untrained row?")

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
table = {}
for name, one in rows.items():
    area = explain.insertion(model, pixels, one, 0).areas.mean()
    table[name] = {
        "landmark share": scored[name],
        "untrained": None,
        "pointing": np.nanmean(pointing_game(one, landmarks)),
    }
    table[name]["insertion"] = area
    if name in METHODS:
        table[name]["untrained"] = bootstrap_interval(landmark_share(untrained[name], landmarks))
note = f"{len(hands)} hands; in brackets: 95 %"
figures.table(table, digits=2, best={"landmark share": "high"}, row_name="heat of", note=note)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **In the stored run** no explanation beats the plain image, and only Grad-CAM puts clearly more heat on the landmarks than the same
# method asked of an *untrained* network (one draw of weights). Guided backpropagation looks best and scores higher still untrained:
# it redraws edges, and bones have edges. Occlusion's hottest patch hides a finger tip *and* the border of the exposed field: which of
# the two counted, the map cannot say. By insertion the plain image and Grad-CAM do no better than random heat. So a pretty map on the
# right place proves nothing by itself; compare it with the untrained network's. On twenty hands the pointing game is coarse: one hand
# is 0.05.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The question that no heat map answers
#
# Heat on a bone says that the network reacts to the bone. Does it *need* the bone? A drawn radiograph can be drawn again without it:
# the same person, the same beam, the same noise.
#
# **Guess**: the network above has an accuracy near 1 on hands, feet and wrists. What is it when **every bone** is taken out of the test
# images? (0 to 1; chance is 0.33)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The same hand again

# %% alt="Three drawn radiographs of one hand: whole, without its metacarpals, and without any bone, where only a grey hand-shaped shadow is left." slideshow={"slide_type": "-"} tags=["hide-input"]
gone = {"whole": (), "no metacarpals": "metacarpals", "no bone at all": "bones"}
pictures = [radiograph("hand", seed=5, size=128, without=one, reexpose=True).image for one in gone.values()]
figures.image_sheet(pictures, list(gone), panel=2.4)

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_boneless = 0.33

# %% slideshow={"slide_type": "subslide"} tags=["hide-input"]
boneless = phantom_radiographs("test", classes, 20, 64, seed=profile.seed, without="bones", reexpose=True)
still = evaluate_classifier(model, boneless).accuracy
check(
    my_guess_boneless,
    still[0],
    f"95 % interval [{still[1]:.2f}, {still[2]:.2f}]. Outline and flesh tell the classes apart, too. Chapter 1 goes on from here.",
    tolerance=0.1,
)
assert still[1] > 1 / 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7. Words you will meet (1 of 2)
#
# - **convolution**: a small filter slid over the image; one filter makes one **feature map**
# - **ReLU**: keeps positive numbers, makes the others zero
# - **max pool**: keeps the largest of each 2 x 2 block; the **switch** is where it stood
# - **logit**: the score of a class before it becomes a probability (by **softmax**)
# - **epoch**: one pass over all training images; **batch**: the images of one step
# - **validation set**: decides when to stop; **test set**: read once, at the end

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Words you will meet (2 of 2)
#
# - **accuracy**: share of images named rightly; **balanced accuracy**: the same per class, then averaged
# - **majority baseline**: the accuracy of always naming the commonest class
# - **augmentation**: training images changed a little at random
# - **receptive field**: the part of the image that one number of a feature map can see
# - **shortcut**: something that goes with a class in the data and is not the thing meant, a marker, say
# - **seed**: the number that makes random numbers repeatable; results are given over several seeds

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8. How a chapter is used
#
# - Read, guess, run; each chapter takes minutes. `make lab` opens them in the browser.
# - Exercises stand at the end. `make student` makes copies without solutions.
# - `make slides` makes a lecture of each chapter that needs no network.
# - "Paper and ours" says what was reproduced, what was not, and why.
#
# Next: **chapter 1**, does the network look where a radiologist looks?

# %% slideshow={"slide_type": "skip"}
record_result(f"environment in order; an image alone scores a landmark share of {mean:.2f}", share=mean)
