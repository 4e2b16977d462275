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
# **Cost**: half a minute, no GPU, no download.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ten minutes at the start of a first lecture: run the check together, guess the landmark share together, then chapter 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. Is everything in place?
#
# Each line is `[OK]`, or `[FAIL]` with what to do about it.

# %% slideshow={"slide_type": "skip"}
import numpy as np

from lookinside import figures
from lookinside.course import check, environment_report, profile, record_result, set_up
from lookinside.explain import bootstrap_interval, landmark_share
from lookinside.phantoms import radiograph, radiograph_set

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
# Chapter 1 is here; the others follow the same pattern.

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
#     COURSE_DATASET=unifesp make run CHAPTER=01   # real radiographs, once prepared with `make data`
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

# %% alt="A drawn radiograph of a hand; the same with its named parts in colour; the same with the landmarks that a radiologist names tinted." slideshow={"slide_type": "subslide"} tags=["hide-input"]
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
# A **heat map** gives every pixel a number, "how much did this matter". The **landmark share** compares the heat on the landmarks
# with the landmarks' part of the image:
#
# $$\text{landmark share} = \frac{\text{heat on the landmarks} \,/\, \text{all heat}}{\text{pixels of the landmarks} \,/\, \text{all pixels}}$$
#
# **Guess**: a heat map that is the same everywhere. What is its landmark share?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess = 1.0

# %% slideshow={"slide_type": "-"}
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

# %% slideshow={"slide_type": "-"}
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
# ## 6. Words you will meet (1 of 2)
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
# ## 7. How a chapter is used
#
# - Read, guess, run; each chapter takes minutes. `make lab` opens them in the browser.
# - Exercises stand at the end. `make student` makes copies without solutions.
# - `make slides` makes a lecture of each chapter that needs no network.
# - "Paper and ours" says what was reproduced, what was not, and why.
#
# Next: **chapter 1**, does the network look where a radiologist looks?

# %% slideshow={"slide_type": "skip"}
record_result(f"environment in order; an image alone scores a landmark share of {mean:.2f}", share=mean)
