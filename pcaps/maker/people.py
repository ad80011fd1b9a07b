"""Invented people and their e-mail addresses, all under names reserved for examples or with
'example' in them, every one below a true public suffix."""

_FAMILY = ("sato suzuki tanaka ito kato abe mori ono ueda hara kimura hayashi saito endo aoki "
           "goto okada wada ota kudo chiba sakai hirano maeda fujii kono noda sugi kubo imai mano "
           "doi oda seki baba kishi tani miura nagai hoshi").split()
_GIVEN = ("yuki ken mai aya rei jun emi go kei nao rin sho taro hana mio ryo shin tomo yui akira "
          "daiki haru jiro kazu mari nana saki yuta").split()
_SHORT = ("example.jp", "example.co.jp", "example.or.jp", "example.ne.jp", "example.go.jp",
          "example.ac.jp", "example1.jp", "example2.jp", "example3.co.jp", "example5.co.jp")
_LONG = tuple(f"example-city-{number}.lg.jp" for number in range(1, 61)) + tuple(
    f"example-agency-{number}.go.jp" for number in range(10, 50))


def address(chance):
    family, given = chance.pick(_FAMILY), chance.pick(_GIVEN)
    shape = chance.uniform()
    if shape < 0.40:
        local = f"{given[0]}.{family}{chance.between(1, 99)}"
    elif shape < 0.65:
        local = f"{family}{chance.between(1, 999)}"
    elif shape < 0.90:
        local = f"{given}.{family}"
    else:
        local = f"{family}-{given[0]}{chance.between(1, 99)}"
    return f"{local}@{chance.pick(_LONG if chance.happens(0.25) else _SHORT)}"


def distinct(chance, count):
    found = {}
    while len(found) < count:
        found[address(chance)] = None
    return list(found)


def team(chance, count, domains):
    """A small team: the people of one project, at few employers."""
    found = {}
    while len(found) < count:
        found[f"{chance.pick(_GIVEN)}.{chance.pick(_FAMILY)}@{chance.pick(domains)}"] = None
    return list(found)
