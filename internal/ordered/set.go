// Package ordered answers: what comes next, among a million values that change all the time?
package ordered

import (
	"iter"
	"slices"
	"sort"
)

// chunkSize is how many values a chunk holds before it is split. Insertion
// moves at most this many values; between 256 and 1024 it makes no difference.
const chunkSize = 512

// Set holds values in the order of a comparison. Insertion, deletion and
// finding a place cost a binary search and the move of a few hundred values at
// most; rank costs a step for every few hundred values. It is not safe for
// concurrent use, and must not change while it is iterated.
type Set[T any] struct {
	cmp    func(a, b T) int
	chunks [][]T // none empty, each in order, and all of one before all of the next
	length int
}

// New returns an empty set in the order of cmp, which returns 0 for equal values.
func New[T any](cmp func(a, b T) int) *Set[T] { return &Set[T]{cmp: cmp} }

// Len returns the number of values.
func (s *Set[T]) Len() int { return s.length }

// Insert adds v, and reports whether it was missing.
func (s *Set[T]) Insert(v T) bool {
	if len(s.chunks) == 0 {
		s.chunks = [][]T{{v}}
		s.length = 1
		return true
	}
	c := min(s.chunkOf(v), len(s.chunks)-1)
	i, found := slices.BinarySearchFunc(s.chunks[c], v, s.cmp)
	if found {
		return false
	}
	s.chunks[c] = slices.Insert(s.chunks[c], i, v)
	s.length++
	if full := s.chunks[c]; len(full) > chunkSize {
		half := len(full) / 2
		right := slices.Clone(full[half:])
		clear(full[half:])
		s.chunks[c] = full[:half]
		s.chunks = slices.Insert(s.chunks, c+1, right)
	}
	return true
}

// Delete removes v, and reports whether it was there.
func (s *Set[T]) Delete(v T) bool {
	c := s.chunkOf(v)
	if c == len(s.chunks) {
		return false
	}
	i, found := slices.BinarySearchFunc(s.chunks[c], v, s.cmp)
	if !found {
		return false
	}
	s.chunks[c] = slices.Delete(s.chunks[c], i, i+1)
	s.length--
	if len(s.chunks[c]) == 0 {
		s.chunks = slices.Delete(s.chunks, c, c+1)
	}
	return true
}

// From returns the values that are not before v, in order.
func (s *Set[T]) From(v T) iter.Seq[T] {
	return func(yield func(T) bool) {
		c := s.chunkOf(v)
		if c == len(s.chunks) {
			return
		}
		i, _ := slices.BinarySearchFunc(s.chunks[c], v, s.cmp)
		for _, chunk := range s.chunks[c:] {
			for _, w := range chunk[i:] {
				if !yield(w) {
					return
				}
			}
			i = 0
		}
	}
}

// All returns all values in order.
func (s *Set[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, chunk := range s.chunks {
			for _, w := range chunk {
				if !yield(w) {
					return
				}
			}
		}
	}
}

// Rank returns how many values are before v.
func (s *Set[T]) Rank(v T) int {
	c := s.chunkOf(v)
	n := 0
	for _, chunk := range s.chunks[:c] {
		n += len(chunk)
	}
	if c < len(s.chunks) {
		i, _ := slices.BinarySearchFunc(s.chunks[c], v, s.cmp)
		n += i
	}
	return n
}

// chunkOf returns the first chunk whose last value is not before v: the one
// that v is in or belongs into, or len(s.chunks) when v is behind all.
func (s *Set[T]) chunkOf(v T) int {
	return sort.Search(len(s.chunks), func(i int) bool {
		chunk := s.chunks[i]
		return s.cmp(chunk[len(chunk)-1], v) >= 0
	})
}
