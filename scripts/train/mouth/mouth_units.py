"""The eight mouth parameters of the product -> MakeHuman face pose units: what a mouth looks like that does these numbers.

  units(row) -> {pose unit: weight}; row = jaw, lower, upper, spread, round, press, tuck, tongue, each 0..1
All zeros is a relaxed closed mouth, as avatars are photographed. Set by hand and judged by eye on renders.
"""


def smooth_step(x):
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def units(row):
    jaw, lower, upper, spread, rounded, press, tuck, tongue = (min(max(float(x), 0.0), 1.0) for x in row)
    # Pressed lips are shut and tucked ones caught, whatever an averaging network says of the jaw at the same time.
    free = 1 - smooth_step((press - 0.35) / 0.6)
    jaw *= 1 - 0.6 * tuck
    jaw = jaw * free + min(jaw, 0.05) * (1 - free)
    lower *= free * (1 - tuck)
    upper *= free
    tuck *= free
    rest = min(max(1 - (3 * jaw + 2.5 * lower + 2.5 * upper + 1.2 * rounded + tuck + 0.8 * spread), 0.0), 1.0)
    held = max(press, 0.35 * rest)                     # lips that rest touch lightly
    out = min(max((tongue - 0.8) / 0.2, 0.0), 1.0)     # above 0.8 the tongue comes out between the teeth
    return {
        'JawDrop': jaw, 'lowerLipDown': lower, 'UpperLipUp': upper - 0.25 * held - 0.10 * max(rest, press), 'LipsKiss': rounded,
        'MouthLeftPullSide': spread, 'MouthRightPullSide': spread, 'lowerLipForward': 0.2 * rounded,
        'lowerLipUp': 0.40 * held + 0.35 * tuck, 'UpperLipBackward': 0.30 * held,
        'lowerLipBackward': 0.15 * held + 0.75 * tuck,
        'TongueUp': 0.5 * min(tongue, 0.8) * (1 - out), 'TongueOut': 0.35 * out}
