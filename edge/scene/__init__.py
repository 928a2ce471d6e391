"""What the camera's picture is when nobody is in it, and whether it shows that at all. Boxes come in as numbers; nothing is tracked or counted here."""

from edge.scene.empty import EmptyScene
from edge.scene.options import SightOptions
from edge.scene.sight import Eyesight, SightWatch

__all__ = ["EmptyScene", "Eyesight", "SightOptions", "SightWatch"]
