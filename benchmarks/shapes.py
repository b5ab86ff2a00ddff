"""Draws the bundled images: `python -m benchmarks.shapes` writes harness/data/demo/image_text (our own, CC0)."""

import json
from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parents[1] / "harness" / "data" / "demo" / "image_text"
SIDE = 32
COLOURS = {
    "red": (220, 30, 30),
    "blue": (40, 70, 220),
    "green": (30, 150, 60),
    "yellow": (240, 210, 30),
    "black": (10, 10, 10),
    "grey": (140, 140, 140),
    "brown": (130, 80, 30),
    "pink": (250, 150, 190),
}
SHAPES = {
    "circle": lambda draw, fill: draw.ellipse((5, 5, 26, 26), fill=fill),
    "square": lambda draw, fill: draw.rectangle((6, 6, 25, 25), fill=fill),
    "triangle": lambda draw, fill: draw.polygon([(16, 4), (28, 27), (4, 27)], fill=fill),
    "cross": lambda draw, fill: (
        draw.rectangle((13, 4, 18, 27), fill=fill),
        draw.rectangle((4, 13, 27, 18), fill=fill),
    ),
    "ring": lambda draw, fill: draw.ellipse((5, 5, 26, 26), outline=fill, width=5),
    "line": lambda draw, fill: draw.line((3, 16, 28, 16), fill=fill, width=5),
    "arrow": lambda draw, fill: draw.polygon(
        [(3, 13), (16, 13), (16, 6), (29, 16), (16, 26), (16, 19), (3, 19)], fill=fill
    ),
    "diamond": lambda draw, fill: draw.polygon([(16, 3), (25, 16), (16, 29), (7, 16)], fill=fill),
}
# Nouns with their gender; adjectives by gender.
NOUNS = {
    "de": {
        "circle": "m Kreis",
        "square": "n Quadrat",
        "triangle": "n Dreieck",
        "cross": "n Kreuz",
        "ring": "m Ring",
        "line": "f Linie",
        "arrow": "m Pfeil",
        "diamond": "f Raute",
    },
    "es": {
        "circle": "m círculo",
        "square": "m cuadrado",
        "triangle": "m triángulo",
        "cross": "f cruz",
        "ring": "m anillo",
        "line": "f línea",
        "arrow": "f flecha",
        "diamond": "m rombo",
    },
    "fr": {
        "circle": "m cercle",
        "square": "m carré",
        "triangle": "m triangle",
        "cross": "f croix",
        "ring": "m anneau",
        "line": "f ligne",
        "arrow": "f flèche",
        "diamond": "m losange",
    },
    "ru": {
        "circle": "m круг",
        "square": "m квадрат",
        "triangle": "m треугольник",
        "cross": "m крест",
        "ring": "n кольцо",
        "line": "f линия",
        "arrow": "f стрела",
        "diamond": "m ромб",
    },
    "zh": {
        "circle": "圆形",
        "square": "正方形",
        "triangle": "三角形",
        "cross": "十字",
        "ring": "圆环",
        "line": "线条",
        "arrow": "箭头",
        "diamond": "菱形",
    },
}
ADJECTIVES = {
    "de": {
        "red": "rot",
        "blue": "blau",
        "green": "grün",
        "yellow": "gelb",
        "black": "schwarz",
        "grey": "grau",
        "brown": "braun",
        "pink": "pinkfarben",
    },
    "es": {
        "red": "rojo/roja",
        "blue": "azul/azul",
        "green": "verde/verde",
        "yellow": "amarillo/amarilla",
        "black": "negro/negra",
        "grey": "gris/gris",
        "brown": "marrón/marrón",
        "pink": "rosa/rosa",
    },
    "fr": {
        "red": "rouge/rouge",
        "blue": "bleu/bleue",
        "green": "vert/verte",
        "yellow": "jaune/jaune",
        "black": "noir/noire",
        "grey": "gris/grise",
        "brown": "marron/marron",
        "pink": "rose/rose",
    },
    "ru": {
        "red": "красн ый ая ое",
        "blue": "син ий яя ее",
        "green": "зелён ый ая ое",
        "yellow": "жёлт ый ая ое",
        "black": "чёрн ый ая ое",
        "grey": "сер ый ая ое",
        "brown": "коричнев ый ая ое",
        "pink": "розов ый ая ое",
    },
    "zh": {
        "red": "红色",
        "blue": "蓝色",
        "green": "绿色",
        "yellow": "黄色",
        "black": "黑色",
        "grey": "灰色",
        "brown": "棕色",
        "pink": "粉色",
    },
}
ARTICLES = {"de": {"m": "ein", "f": "eine", "n": "ein"}, "es": {"m": "un", "f": "una"}, "fr": {"m": "un", "f": "une"}}
ENDINGS = {"m": "er", "f": "e", "n": "es"}


def caption(language: str, colour: str, shape: str) -> str:
    """`a red circle` in a language."""
    if language == "en":
        return f"a {colour} {shape}"
    noun, adjective = NOUNS[language][shape], ADJECTIVES[language][colour]
    if language == "zh":
        return f"{adjective}的{noun}"
    gender, _, word = noun.partition(" ")
    if language == "de":
        return f"{ARTICLES['de'][gender]} {adjective}{ENDINGS[gender]} {word}"
    if language == "ru":
        stem, *endings = adjective.split()
        return f"{stem}{endings['mfn'.index(gender)]} {word}"
    return f"{ARTICLES[language][gender]} {word} {adjective.split('/')['mf'.index(gender)]}"


def main() -> None:
    """Writes the images and their captions."""
    (FOLDER / "shapes").mkdir(parents=True, exist_ok=True)
    rows = []
    for shape, drawn in SHAPES.items():
        for colour, fill in COLOURS.items():
            image = Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
            drawn(ImageDraw.Draw(image), fill)
            name = f"shapes/{colour}-{shape}.png"
            image.save(FOLDER / name, optimize=True)
            rows += [
                {"image": name, "lang": code, "text": caption(code, colour, shape)}
                for code in ("en", "de", "es", "fr", "ru", "zh")
            ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (FOLDER / "captions.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
