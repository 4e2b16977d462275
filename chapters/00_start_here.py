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
# This page checks your computer, shows the five papers, and explains the few words and habits that all chapters share. Its last
# section is the course's **glossary**.
#
# **Cost** (two CPU cores): about a minute and 1 GB; no GPU, no download.

# %% [markdown] slideshow={"slide_type": "notes"}
# All slides take half an hour. Where there are only ten minutes before chapter 1: run the check together, and guess the landmark share
# together.
#
# In every deck some notes begin with *Where the room goes wrong*. They say what we expect a room to answer. Nobody has counted: write to
# us if your room answers otherwise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. Is everything in place?
#
# Each line is `[OK]`, or `[FAIL]` with what to do about it. What TensorFlow prints when it starts, `WARNING: All log messages ...` or lines with
# `I0000` and `E0000`, is no error.

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
# | chapter | paper | images | what you build |
# |---|---|---|---|
# | 1 | Kumar & Menkovski 2016 | radiographs | the deconvnet, which shows what the strongest feature maps saw |
# | 2 | Khan & Yong 2016 | five organs, five modalities | four networks, and experiments that change one thing at a time |
# | 3 | Roth et al. 2015 | CT slices and whole CTs | training images that are bent, and the parts of that recipe |
# | 4 | Liu et al. 2019 | fetal ultrasound | a detector whose votes can be followed back |
# | 5 | Wang et al. 2019 | photographs of the eye | heat maps that are to show two signs of a disease |
# | 6 | Wang et al. 2019 | photographs of the eye | a network that draws eyes with the disease |
#
# All chapters go the same way: the paper's claim, its equations by hand, its figures and tables beside ours, and one test that no paper has:
# the same image drawn again *without* what the network is said to look at.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What came out
#
# | chapter | a claim | what we found |
# |---|---|---|
# | 1 | The best network looks at the bones. | Without a single bone it still names nearly nine of ten images. |
# | 2 | GoogLeNet fails because it has too many layers. | One change that keeps every layer puts it first on average. |
# | 3 | Bent training images lower the error. | Not on drawn bodies; most of the error no network can avoid. |
# | 4 | Votes say why the box is where it is. | Only when you blur at the scale at which the network reads. |
# | 5 | Two heat maps show the two signs. | Not on our eyes, and one also looks good for a network that goes by a colour. |
# | 6 | A loss on these heat maps brings the signs out. | Not here: a grey square is nearer by that loss than another ill eye. |
#
# All rows but chapter 4's are measured on drawn images, with small networks. "Paper and ours", near the end of each chapter, says what else
# held and what did not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3. A profile
#
# The same notebook runs on a laptop and on a GPU. The **profile** says how big it is:
#
# - `quick`: the default, a few classes of drawn images, minutes on two CPU cores: the **stored run**, whose outputs you see on these pages;
# - `desk`: all classes or real images, hours on a CPU: the **record**, which a chapter shows where it says *recorded*;
# - `paper`: the paper's sizes, one GPU.
#
# Remarks below a figure are about the stored run, unless they say *recorded*. Your own run may come out a little differently: two processors
# round differently, and a training makes more of it.
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
# The **seed** makes random numbers repeatable; the record has several. Nothing is downloaded unless you ask for it with `make data`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4. Images whose truth is known
#
# A **phantom** is an image drawn by formula, so that the truth behind each pixel is known. The phantoms of this page are radiographs of a
# person made of ellipsoids: the ray loses light along its *chord*, the length of its way through each ellipsoid (the Beer-Lambert law). So
# we know, for every pixel, which bones its ray has crossed.

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
# A **heat map** gives every pixel a number; *what* it measures depends on the method. *Landmarks* are the bones by which a radiologist knows a
# body part. The **landmark share** compares the heat on them with their part of the image:
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

# %% [markdown] slideshow={"slide_type": "notes"}
# **Where the room goes wrong.** Most will say about 1: no network, no knowledge, so chance. It is 3.88, because bones are bright and the
# landmarks are bones. Ask next: what must a network's heat map score before you believe that it learned anything? Come back to the answer
# when the table of section 6 stands on the wall: no explanation there reaches the plain image's 3.68.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What to make of it
#
# A heat map that lies on the bones proves little as long as the **plain image**, taken for heat, does so too. So each chapter scores its
# explanations against the truth, beside **rivals**: simpler things that an explanation has to beat. The plain image is one, an **untrained**
# network another: the same layers, with weights drawn anew. And each score has an **interval**, which says how far it may move if other images
# were drawn.
#
# The interval above is a **bootstrap**: from the twenty hands, twenty are drawn with repetition, two thousand times; 95 % of the means fall
# between the two ends. It tells of other images, not of another training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6. One image, many explanations
#
# There are many ways to make a heat map of the same decision. We train a small network on hands, feet and wrists, and ask six of
# them why it says *hand*. **Saliency** is the simplest: how fast does the class's score change with each pixel? (It is the size of a gradient.)
# *ClassDeconvnet* is chapter 1's deconvnet, started from a class. Grad-CAM is explained in chapter 2, the other three in chapter 5. Here
# only look.

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
# - landmark share: as above; 1 is chance.
# - **pointing game**: how often the hottest pixel lies on a landmark (Zhang et al. 2018).
# - **insertion**: put the pixels into a blurred image, hottest first, and watch the class's probability; the area under the curve
#   (Petsiuk et al. 2018). It asks the network, not the bones.
#
# The row *random heat* says what **chance** is for each: what a method reaches that knows nothing.
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
# **No explanation beats the plain image**, and only Grad-CAM puts clearly more heat on the landmarks than the same method asked of an
# untrained network (one draw of weights). Guided backpropagation scores highest of the six, and higher still untrained: it redraws edges, and
# bones have edges. Occlusion's hottest patch hides a finger tip *and* the border of the exposed field: which of the two counted, its heat
# map cannot say. By insertion the deconvnet, Grad-CAM and occlusion do little better than random heat, or worse. So a pretty heat map on the
# right place proves nothing by itself. Compare it with the untrained network's. On twenty hands the pointing game is coarse: one hand is 0.05.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Where the room goes wrong.** Shown the figure alone, a room votes for guided backpropagation: it draws the finest hand. Point at its row:
# a landmark share of 2.52 trained, and 3.29 *untrained*. Ask what it can have learned from the training, if it does better without.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The question that no heat map answers
#
# Heat on a bone says that the network reacts to the bone. Does it *need* the bone? A drawn radiograph can be drawn again without it:
# the same person, the same beam, the same noise.
#
# **Guess**: the network above names nearly nine of ten hands, feet and wrists rightly. What is its **accuracy** (the share of images that it names
# rightly) when *every bone* is taken away from the test images? (0 to 1; chance is 0.33)

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

# %% [markdown] slideshow={"slide_type": "notes"}
# **Where the room goes wrong.** Most will say chance, 0.33: what is a hand without bones? It is 0.85, beside 0.88 with all of them. Go back
# to the three pictures, point at the grey shadow, and ask who in the room would not call it a hand. The wrong word in the question is "look
# at": a network may look at the bones and not need them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7. How a chapter is used
#
# - Read, guess, run; each chapter takes minutes. `make lab` opens them in the browser.
# - A word is explained where it first appears, and again in the glossary below. Every chapter links to it.
# - Exercises stand at the end. `make student` writes copies without solutions and guesses into `build/student/`, which `make lab` opens as well.
#   There the code behind figures and answers is folded: a click on the bar beside it opens it.
# - `make slides` makes a lecture of each chapter that needs no network.
# - "Paper and ours" says what was reproduced, what was not, and why.
#
# Next: **chapter 1**, does the network look where a radiologist looks?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Glossary
#
# In brackets: the chapter that explains the word where it is needed. (The slides have the first words only; the page has them all.) Of what
# networks are made:
#
# - **convolution** (1): a small filter that slides over the image. Each filter makes one **feature map** (1).
# - **ReLU** (1): keeps positive numbers, and sets the others to zero.
# - **max pool** (1): keeps the largest of each 2 x 2 block. The **switch** (1) is where it stood.
# - **batch normalisation** (1): brings each feature map to mean 0 and variance 1 over the batch.
# - **dropout** (1): sets a random share of numbers to zero while the network trains.
# - **logit** (1): the number that a network gives a class, before a softmax turns the numbers of all classes into probabilities.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### How networks learn, and how they are measured
#
# - **batch** (1): the images that a network learns from at a time; a **step** (1) is one batch, an **epoch** (1) one pass over all images.
# - **validation set** (1): decides which epoch is kept. **Test set** (1): what the numbers are measured on; nothing is chosen by it.
# - **augmentation** (1): training images changed a little at random. **Overfitting** (2): doing better on these than on new ones.
# - **accuracy** (0): the share of images named rightly; **balanced accuracy** (1): the same for each class, then averaged.
# - **interval** (0): how far a score may move if other images were drawn (95 %). The **bootstrap** (0) finds it by drawing them anew.
# - **seed** (0): makes random numbers repeatable. A **fold** (4): a part of the images that is tested once, after learning from the others.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### More on networks and on measuring
#
# - **hidden layer** (2): a layer between input and answer, each of whose units reads all the numbers below it.
# - **receptive field** (1): the part of the image from which one value of a feature map is computed.
# - **head** (4): the last part of a network, which answers. An **auxiliary head** (2) helps only while the network trains.
# - **majority baseline** (1): the accuracy of always naming the commonest class.
# - **paired difference** (1): two networks or methods compared image by image, on the same images.
# - **interval over seeds** (1): from the lowest lower end to the highest upper end of several trainings.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Words of this course
#
# - **phantom** (0): an image drawn by formula, so that the truth behind each pixel is known.
# - **profile** (0): how big a run is: `quick`, `desk` or `paper`. The **stored run** (0) is the one whose outputs the pages show (`quick`); the
#   **record** (0) holds the long runs (`desk`).
# - **rival** (0): something simpler that an explanation or a network has to beat: chance, the plain image, random heat, the untrained network.
# - **chance** (0): what a method reaches that knows nothing.
# - **plain image** (0): the image itself, taken as a heat map. (In some tables: *the image itself*.)
# - **untrained** (0): the same layers with weights drawn anew.
# - **part removal** (1): the same image drawn again without a part; the part is *taken away*. **Exposed anew** (1): with the brightness that a machine
#   would choose for what is left.
# - **control** (4): a change that should not matter, made to see whether any change matters.
# - **lead** (1): how far the logit of a class is over that of the runner-up. **Part importance** (1): how far the lead shrinks without a part.
# - **shortcut** (1): something that goes with a class in the data and is not the thing meant.
# - **mistake** (3): an answer that is none of an image's right ones. **Floor** (3): the error that is left to a network that makes no mistake.
# - **dead map** (2): a feature map that is zero on every test image.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Explanations and how they are judged
#
# - **heat map** (0): a number for each pixel; what it measures depends on the method.
# - **saliency** (0): how fast the class's score changes with each pixel. **SmoothGrad** (5): the same, as a mean over noisy copies. (Chapter 5 calls it
#   *SmoothBP*, as its paper does.)
# - **deconvnet** (1): projects feature maps back to the image, by their filters, switches and ReLUs.
# - **guided backpropagation** (5): follows the score back to the pixels and keeps positive values only.
# - **CAM** (5): the last feature maps added up, each with its weight for the class. **Grad-CAM** (2): the same for any network, with gradients as weights.
# - **occlusion** (5): covers each place in turn and notes how far the score falls.
# - **pathology-aware map** (5): the weighted feature maps of all layers added up, those of the **low set** (5), which are compact, apart from those of
#   the **high set** (5), which are spread out. The **moment of inertia** (5) tells which is which.
# - **landmark share** (0): the share of the heat on a region, over the region's share of the image; 1 is chance. **Acc** (5): the share of the heat in a
#   box, as it is.
# - **pointing game** (0): how often the hottest pixel lies on the landmarks.
# - **insertion** (0): how soon the class's probability rises when the hottest pixels are shown first. **Deletion** (5): how soon it falls when they are
#   taken out first.
# - **rank correlation** (1): how alike two orders are; 1 is the same order, 0 no relation, -1 the order turned round.
# - **adversarial pattern** (6): pixels that move a network's answer and mean nothing to us.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Scores and other methods
#
# - **AUC** (3): take one image of the class and one other at random; how often has the first the higher score? 0.5 is a coin.
# - **recall** (3): the share of a class that is found. **Sensitivity** (4): the share of scans whose best box is right. **Specificity** (4): of the wrong
#   boxes among the three best of each scan, the share that is not the best one.
# - **intersection over union** (4), IoU: the area that two boxes share, over the area that they cover together. **FROC** (4): how much is found when so
#   many false boxes an image are allowed.
# - **Dice** (6): of two masks, twice the pixels that both have, over the sum of both. **SSIM** (6): how alike two pictures are in structure; 1 is equal.
# - **Fréchet distance** (6): how far a set of drawn pictures is from a set of real ones, measured on a network's features.
# - **silhouette** (3): how far apart classes lie; near 1 far apart, at 0 they touch.
# - **random forest** (2): a vote of many decision trees; it finds out what a few simple numbers already tell.
# - **momentum** (2): so much of the last step goes into the next one. **Weight decay** (2): each step pulls the weights a little towards zero.
# - **thin-plate spline** (3): bends an image as a thin plate of steel would bend.
# - **U-Net** (6): a network that answers for each pixel; it makes the picture small and large again, and hands maps across.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Words of medicine and of single papers
#
# - **phalanges** (1): bones of fingers and toes. **Metacarpals** (1), **metatarsals** (1): the long bones of palm and midfoot. **Carpals** (1),
#   **tarsals** (1): the small bones of wrist and hindfoot.
# - **Hounsfield unit** (3), HU: the unit of a CT: air is -1000, water 0. **Window** (3): the range of HU that is shown. (In chapter 4 a window is the part
#   of the feature maps around a proposal.)
# - **nuchal translucency** (4), NT: a thin dark band in the neck of a fetus.
# - **detector** (4): a network that answers with boxes, and with a score for each. **Anchor** (4): a box of a fixed size from which it starts.
# - **proposal** (4): a region that might hold a structure. **Primitive** (4): a small pattern that a detector looks for there. **Vote** (4): where a
#   primitive says that the centre is. **Trace-back** (4): which primitives made the vote. **Soft-argmax** (4): a mean position, weighted by the vote.
# - **optic disc** (5): the bright spot where the nerve leaves the eye, with the paler **cup** (5) in its middle and the **rim** (5) around the cup.
# - **notch** (5): a place where the rim is lost, in tables *rim loss*. **Wedge** (5): a dark arc where nerve fibres are lost, in tables *nerve defect*.
# - **generator** (6): a network that draws. **Discriminator** (6): one that says how likely a picture is real.
# - **judge** (6): the classifier whose maps are in the loss. **Reader** (6): one that looks for a single sign. **Plain game** (6): the game without that
#   loss.

# %% slideshow={"slide_type": "skip"}
record_result(f"environment in order; an image alone scores a landmark share of {mean:.2f}", share=mean)
