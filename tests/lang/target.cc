/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of what the cases trace that has C++ names: a namespace, a class with a method, two
 * functions of one name. `targetxx [COUNT]` calls each of them COUNT times (once without it).
 */
#include <cstdlib>

#define PLAIN __attribute__((noinline))

namespace shapes
{
volatile long sink;

class box {
      public:
	explicit box(int side) : side(side) {}
	PLAIN int area(int scale) { return side * side * scale; }

      private:
	int side;
};

PLAIN void twice(int n) { sink += n * 2; }

PLAIN void twice(long n, int m) { sink += n * 2 + m; }
} // namespace shapes

int main(int argc, char **argv)
{
	int count = argc > 1 ? std::atoi(argv[1]) : 1;
	shapes::box box(3);

	for (int i = 1; i <= count; i++) {
		shapes::sink += box.area(i);
		shapes::twice(i);
		shapes::twice(i, i + 1);
	}
	return 0;
}
