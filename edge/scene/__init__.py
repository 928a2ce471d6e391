"""What the camera's picture is when nobody is in it. Boxes come in as numbers; nothing is tracked or counted here."""

from edge.scene.empty import EmptyScene

__all__ = ["EmptyScene"]
