"""Networks of the papers, one file a family; each is a function that returns a plain functional Keras model."""

from lookinside.models.alex_net import alexnet
from lookinside.models.anatomy_cnn import PAPER_TABLES, deeper_cnn, shallow_cnn
from lookinside.models.detection import FPN, CentreHeatMap, Detector, FasterRCNN, StructureLocalizer
from lookinside.models.google_net import googlenet, inference_model
from lookinside.models.khan_yong import KHAN_YONG_TABLE, khan_cnn
from lookinside.models.layer_tables import beside_paper, layer_table
from lookinside.models.le_net import lenet
from lookinside.models.patho_gan import patho_discriminator, patho_generator
from lookinside.models.receptive_fields import ReceptiveField, receptive_field
from lookinside.models.res_net import resnet18_stages
from lookinside.models.roth_net import roth_convnet
from lookinside.models.u_net import at_size, unet
from lookinside.models.wang_net import wang_convnet

__all__ = [
    "FPN",
    "KHAN_YONG_TABLE",
    "PAPER_TABLES",
    "CentreHeatMap",
    "Detector",
    "FasterRCNN",
    "ReceptiveField",
    "StructureLocalizer",
    "alexnet",
    "at_size",
    "beside_paper",
    "deeper_cnn",
    "googlenet",
    "inference_model",
    "khan_cnn",
    "layer_table",
    "lenet",
    "patho_discriminator",
    "patho_generator",
    "receptive_field",
    "resnet18_stages",
    "roth_convnet",
    "shallow_cnn",
    "unet",
    "wang_convnet",
]
