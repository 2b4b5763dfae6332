"""What happens beside training: evaluation on scenes, pictures, progress, logs.

`evaluation` is the callback that scores a lifter. `rows` says which rows the ablation has, `lifting` lifts the scenes,
`scoring` places and scores them, `scene_errors` and `scene_pictures` look at them one by one, `figures` draws.
"""
