#!/bin/sh
# The main job from nothing, on the embedded base: learn the poster's style, redraw a portrait in it, draw random faces.
# Usage: demo/run.sh JOJO    (weights and styles go to demo/home, pictures to demo/out)
set -eu
jojo=$(realpath "$1")
cd "$(dirname "$0")"
export JOJO_HOME="${JOJO_HOME:-$PWD/home}" JOJO_BASE=mobilestylegan-ffhq

"$jojo" train poster poster.png --overwrite
"$jojo" apply poster ../tests/data/astronaut.png -o out --compare --overwrite
"$jojo" sample poster -n 16 -o out/samples --overwrite

echo
echo "The reference:          $PWD/poster.png"
echo "What was learnt:        $("$jojo" styles path poster)/preview.png"
echo "A portrait, redrawn:    $PWD/out/astronaut.poster.compare.png"
echo "Random faces:           $PWD/out/samples/poster-sheet.png"
