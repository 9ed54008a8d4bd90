module github.com/element-hq/dendrite/matrixos

go 1.26.0

require github.com/element-hq/dendrite v0.15.2
