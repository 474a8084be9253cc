"""Invented people for the real customer numbers: always the same for a number, and labelled as invented."""

import hashlib
from typing import Any

FIRST = (
    "Ada Agnes Ahmed Aiko Alba Alma Amara Amir Ana Anders Anna Anton Arjun Astrid Aya Ayesha Beatriz Ben Bianca Bruno Camila Carla "
    "Carlos Cecilia Chidi Clara Daniel Daria David Diego Dina Edith Elena Eli Elif Emil Emma Erik Esther Eva Farid Fatima Felix Femi "
    "Finn Frida Gabriel Grace Greta Hana Hannah Hassan Helen Henry Hugo Ida Ines Ingrid Irina Isaac Iva Ivan Jack Jada James Jan Jana "
    "Jin Joana Joel Jonas Jorge Julia Kai Karin Karl Kofi Lars Laura Layla Leah Leo Lena Liam Lina Linh Lucas Lucia Luis Maja Malik "
    "Mara Marco Maria Marta Mateo Maya Mei Mia Mila Mina Miriam Mona Nadia Naomi Nia Nico Nina Noah Nora Olga Omar Oscar Pablo Paula "
    "Petra Priya Rafael Rana Rosa Ruth Sam Samir Sara Selma Sofia Sonja Stella Sven Tara Theo Tom Uma Vera Victor Wanda Yara Yuki Zoe"
).split()
LAST = (
    "Abe Adeyemi Ahlberg Almeida Alvarez Andersen Araujo Arslan Baker Barbosa Bauer Becker Bello Berg Bianchi Blanc Boateng Bondar "
    "Brandt Brown Calder Campbell Castro Chen Clarke Cohen Cole Costa Cruz Dahl Das Diaz Dubois Eriksen Evans Farah Fernandez Fischer "
    "Flores Fontaine Fraser Fuchs Garcia Gomez Green Gruber Gupta Haas Hall Hansen Harper Hassan Hayashi Hill Holm Horvat Huang Hughes "
    "Ibrahim Ito Jackson Jansen Jensen Johnson Jones Kaur Keller Khan Kim King Klein Koch Kovacs Kumar Larsen Laurent Lee Lehmann Lewis "
    "Li Lind Lopez Lund Maier Marin Marsh Martin Mendes Meyer Miller Mills Moore Mora Moreau Morris Müller Nagy Nakamura Ndiaye Nguyen "
    "Nilsen Novak Okafor Olsen Ortega Osei Park Patel Perez Peters Petrov Popov Price Quinn Ramos Reed Reyes Rivera Roberts Romano Rossi "
    "Roux Ruiz Russo Saito Santos Sato Schmidt Schneider Shah Silva Singh Smith Sousa Stein Stewart Svensson Takeda Tan Tanaka Taylor "
    "Thomas Torres Tran Turner Varga Vega Vogel Wagner Walker Wang Ward Weber White Williams Wilson Wolf Wood Wright Yamada Yilmaz Young"
).split()
PLACES = [
    # country, city, zone, language, weight of 100
    ("US", "New York", "America/New_York", "en", 18),
    ("US", "Chicago", "America/Chicago", "en", 12),
    ("US", "Denver", "America/Denver", "en", 6),
    ("US", "Los Angeles", "America/Los_Angeles", "en", 14),
    ("CA", "Toronto", "America/Toronto", "en", 6),
    ("GB", "London", "Europe/London", "en", 12),
    ("DE", "Berlin", "Europe/Berlin", "de", 8),
    ("FR", "Paris", "Europe/Paris", "fr", 6),
    ("BR", "São Paulo", "America/Sao_Paulo", "pt", 5),
    ("IN", "Kolkata", "Asia/Kolkata", "en", 5),
    ("JP", "Tokyo", "Asia/Tokyo", "ja", 5),
    ("AU", "Sydney", "Australia/Sydney", "en", 3),
]
GENRES = ["rock", "jazz", "classical", "soul", "folk", "electronic"]
CONSENT_SHARE = 82  # of 100 people say yes to offers


def dice(*parts: object) -> int:
    """Return a large number that is always the same for these parts."""
    return int.from_bytes(hashlib.blake2b(":".join(map(str, parts)).encode(), digest_size=8).digest())


def place(customer: str) -> tuple[str, str, str, str]:
    """Choose where somebody lives: country, city, zone, language."""
    left = dice("place", customer) % sum(weight for *_, weight in PLACES)
    for country, city, zone, language, weight in PLACES:
        left -= weight
        if left < 0:
            return country, city, zone, language
    raise AssertionError("the weights cover every remainder")


def traits(customer: str) -> dict[str, Any]:
    """Return the invented traits of a customer number, in the Segment spec's names."""
    country, city, zone, language = place(customer)
    first, last = FIRST[dice("first", customer) % len(FIRST)], LAST[dice("last", customer) % len(LAST)]
    ascii_last = last.replace("ü", "ue")
    return {
        "firstName": first,
        "lastName": last,
        "email": f"{first}.{ascii_last}.{int(customer)}@example.com".lower(),
        "address": {"country": country, "city": city},
        "timezone": zone,
        "language": language,
        "favouriteGenre": GENRES[dice("genre", customer) % len(GENRES)],
        "invented": "name, address, language, genre, consent and browsing; the purchases are real",
    }


def consents(customer: str) -> bool:
    """Tell whether the invented person said yes to offers by email."""
    return dice("consent", customer) % 100 < CONSENT_SHARE
