"""Class name of the images -> the word that is spoken, in the order of the labels."""


def spoken_names(classes: str) -> dict[str, str]:
    """Returns the words of classes that are called by their names, in which `_` is a space.

    Args:
        classes: the names, separated by blanks, in the order of the labels.

    Returns:
        Class name -> word, e.g. "aquarium_fish" -> "aquarium fish".
    """
    return {name: name.replace("_", " ") for name in classes.split()}


DIGITS = {
    str(digit): word
    for digit, word in enumerate("zero one two three four five six seven eight nine".split())
}

CIFAR10 = spoken_names("""
    airplane automobile bird cat deer dog frog horse ship truck
""")

CIFAR100 = spoken_names("""
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch
    crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo
    keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain
    mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain
    plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
    skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
    television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
""")
