#include <cohort/opencl.hpp>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#define CL_HPP_ENABLE_EXCEPTIONS
#include <cohort/opencl_native.hpp>

#include "device_test.hpp"

namespace cohort::test {
namespace {

TEST(DeviceExpressions, AreOneKernelThatIsCompiledOnce) {
  const NdArray<double, 1> host_a(Extents<1>{10000}, std::numbers::pi), host_b(Extents<1>{10000}, 0.5);
  const DeviceArray<double, 1> a(host_a), b(host_b);
  const std::size_t before = opencl::compiled_kernels();
  const DeviceArray<double, 1> c = 2.0 * a / b;
  EXPECT_EQ(opencl::compiled_kernels(), before + 1);
  EXPECT_EQ(c.copy(), (NdArray<double, 1>(Extents<1>{10000}, 4 * std::numbers::pi)));
  const DeviceArray<double, 1> d = 3.0 * DeviceArray<double, 1>({7}, 5.0) / DeviceArray<double, 1>({7}, 2.0);
  EXPECT_EQ(opencl::compiled_kernels(), before + 1) << "numbers, arrays and extents are arguments";
  EXPECT_EQ(d.copy(), (NdArray<double, 1>(Extents<1>{7}, 7.5)));
  const DeviceArray<double, 1> e = 3.0F * a / b;
  EXPECT_EQ(opencl::compiled_kernels(), before + 2);
  DeviceArray<double, 1> f(Extents<1>{10000});
  const auto memory = f.memory();
  f = 2.0 * a / b;
  EXPECT_EQ(f.memory(), memory) << "the memory that is there is used";
  EXPECT_TRUE(f == c);
}

// Each expression is one of arrays and numbers, for arrays of both kinds.
template <class T, class U, class Make>
void compare(Make make, std::size_t size) {
  const auto a = numbers<T>(Extents<1>{size}), b = numbers<T>(Extents<1>{size}, 2);
  const auto c = numbers<U>(Extents<1>{size}, 3);
  const DeviceArray<T, 1> device_a(a), device_b(b);
  const DeviceArray<U, 1> device_c(c);
  const auto expression = make(a, b, c);
  using R = typename decltype(expression)::value_type;
  const NdArray<R, 1> expected = expression;
  const DeviceArray<R, 1> computed = make(device_a, device_b, device_c);
  EXPECT_EQ(computed.copy(), expected) << size;
}

TEST(DeviceExpressions, OperatorsGiveTheSameBits) {
  const auto all = [](const auto& a, const auto& b, const auto& c) {
    return multiply(a + b, c) - (a - c) * 3 / b + (-b) + abs(-c) + sqrt(abs(a));
  };
  for (const std::size_t size : sizes) {
    compare<double, double>(all, size);
    compare<float, float>(all, size);
  }
  const NdArray<double, 1> a{1, 2, 3};
  DeviceArray<double, 1> d(a);
  d = d - d + 1.5 * d;
  d += d;
  d -= 1;
  d *= 2;
  d /= 4.0;
  EXPECT_EQ(d.copy(), (NdArray<double, 1>{1, 2.5, 4}));
}

TEST(DeviceExpressions, IntegersFollowTheRulesOfCpp) {
  const auto scalar = [](const auto& a, const auto& b, const auto&) { return multiply(a * 100, b * 50) / 7; };
  const auto check = [&](auto x, auto y) {
    using T = decltype(x);
    using U = decltype(y);
    const auto products = [](const auto& a, const auto& b, const auto& c) {
      return multiply(multiply(a, b) - 70, c) / 3 + (-b) - a;
    };
    compare<T, U>(products, 1000);
  };
  check(std::int8_t(), std::int8_t());
  check(std::uint8_t(), std::int16_t());
  check(std::int32_t(), std::uint32_t());
  check(std::uint32_t(), std::int64_t());
  check(std::int64_t(), std::uint64_t());
  check(std::uint64_t(), float());
  check(bool(), bool());
  compare<std::int8_t, int>(scalar, 1000);
  // What does not fit into the type of the array is cut off when it is assigned.
  const NdArray<int, 1> wide{300, -300, 7};
  const NdArray<std::int8_t, 1> narrow = detail::make_expression(detail::Convert<std::int8_t>(), wide);
  const DeviceArray<std::int8_t, 1> device_narrow =
      detail::make_expression(detail::Convert<std::int8_t>(), DeviceArray<int, 1>(wide));
  EXPECT_EQ(device_narrow.copy(), narrow);
  const DeviceArray<bool, 1> truth =
      detail::make_expression(detail::Convert<bool>(), DeviceArray<double, 1>{0, 0.5, -1, std::nan("")});
  EXPECT_EQ(truth.copy(), (NdArray<bool, 1>{false, true, true, true}));
}

TEST(DeviceExpressions, AnIntegerThatIsDividedByZeroGivesZero) {
  const DeviceArray<int, 1> a{7, -7, std::numeric_limits<int>::min()}, b{2, 0, -1};
  EXPECT_EQ((DeviceArray<int, 1>(a / b)).copy(), (NdArray<int, 1>{3, 0, std::numeric_limits<int>::min()}));
  EXPECT_EQ((DeviceArray<unsigned, 1>(DeviceArray<unsigned, 1>{7, 9} / 0u)).copy(), (NdArray<unsigned, 1>{0, 0}));
}

TEST(DeviceExpressions, Functions) {
  const auto check = [](auto zero, double relative) {
    using T = decltype(zero);
    const auto a = numbers<T>(Extents<1>{1000});
    const DeviceArray<T, 1> d(a);
    const auto all = [](const auto& x) {
      return sin(x) + cos(x) - tan(x) + exp(x / T(4)) + log(abs(x)) + sqrt(abs(x)) + pow(abs(x), T(1.5)) + pow(x, 2);
    };
    using R = typename decltype(all(a))::value_type;
    const DeviceArray<R, 1> computed = all(d);
    expect_near<R, 1>(computed.copy(), all(a), relative);
  };
  check(double(), 1e-13);
  check(float(), 1e-4);
  const NdArray<int, 1> a{-3, 4, -5};
  const DeviceArray<int, 1> magnitude = abs(DeviceArray<int, 1>(a));
  EXPECT_EQ(magnitude.copy(), (NdArray<int, 1>{3, 4, 5}));
  const DeviceArray<double, 1> root = sqrt(magnitude);
  EXPECT_EQ(root.copy(), (NdArray<double, 1>(sqrt(NdArray<int, 1>{3, 4, 5}))));
}

TEST(DeviceExpressions, ADimensionOfExtentOneIsRepeated) {
  const auto check = [](const auto& a, const auto& b, const auto& c) {
    constexpr std::size_t N = std::remove_cvref_t<decltype(a)>::rank;
    const auto all = [](const auto& x, const auto& y, const auto& z) { return x - y + multiply(z, x); };
    const DeviceArray<double, N> computed =
        all(DeviceArray<double, N>(a), DeviceArray<double, N>(b), DeviceArray<double, N>(c));
    const NdArray<double, N> expected = all(a, b, c);
    EXPECT_EQ(computed.copy(), expected);
  };
  using E2 = Extents<2>;
  check(numbers<double>(E2{30, 50}), numbers<double>(E2{1, 50}, 2), numbers<double>(E2{30, 1}, 3));
  check(numbers<double>(E2{1, 50}), numbers<double>(E2{30, 1}, 2), numbers<double>(E2{1, 1}, 3));
  check(numbers<double>(E2{0, 5}), numbers<double>(E2{1, 5}, 2), numbers<double>(E2{1, 1}, 3));
  using E3 = Extents<3>;
  check(numbers<double>(E3{4, 1, 6}), numbers<double>(E3{1, 5, 1}, 2), numbers<double>(E3{4, 5, 6}, 3));
  DeviceArray<double, 2> a{{1, 2}, {3, 6}};
  a = a - mean(a, dim<0>);
  EXPECT_EQ(a.copy(), (NdArray<double, 2>{{-1, -2}, {1, 2}}));
  EXPECT_THROW((a = a + DeviceArray<double, 2>({3, 2})), Error);
}

TEST(DeviceExpressions, FunctionsOfThePrograms) {
  const DeviceArray<double, 1> a{1, 2, 3}, b{3, 2, 1};
  const auto larger = opencl::function<double(double, double)>("x0 > x1 ? x0 : x1 + 0.5");
  EXPECT_EQ(map(larger, a, b).copy(), (NdArray<double, 1>{3.5, 2.5, 3}));
  const DeviceArray<double, 1> in_expression = 2.0 * larger(a, b) + larger(a, 2.0) + 1;
  EXPECT_EQ(in_expression.copy(), (NdArray<double, 1>{10.5, 8.5, 10}));
  const auto steps = opencl::function<int(double)>(
      "steps(x0)", "int steps(double x) { int n = 0; for (; x > 0.5; x /= 2) n++; return n; }");
  EXPECT_EQ(map(steps, a).copy(), (NdArray<int, 1>{1, 2, 3}));
  EXPECT_EQ(map(std::less<>(), a, b).copy(), (NdArray<bool, 1>{true, false, false}));
  EXPECT_EQ(count(opencl::function<bool(double)>("x0 > 1"), a), 2u);
  EXPECT_TRUE(any(opencl::function<bool(double)>("x0 > 2"), a));
  EXPECT_EQ(reduce(opencl::function<double(double, double)>("fmax(x0, x1)"), 0.0, a), 3);
  EXPECT_EQ((decode<opencl::Function<double(double)>>(encode(opencl::function<double(double)>("x0"))).text), "x0");
}

TEST(DeviceExpressions, ThreadsUseDifferentArraysAtTheSameTime) {
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&right, t] {
      DeviceArray<double, 1> a({5000}, t + 1.0);
      for (int i = 0; i < 20; i++) a = a + (t + 1.0);
      const DeviceArray<double, 1> b = t % 2 == 0 ? DeviceArray<double, 1>(2.5 - a) : DeviceArray<double, 1>(a - 2.5);
      right += sum(a) == 5000 * 21 * (t + 1.0) && sum(b) == (t % 2 == 0 ? -1 : 1) * 5000 * (21 * (t + 1.0) - 2.5);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
}

TEST(DeviceExpressions, KernelsOfTheProgramsShareTheQueue) {
  DeviceArray<float, 1> a{1, 2, 3};
  a = a * 2.0F;
  cl::Program program(opencl::native_context(),
                      "__kernel void add_place(__global float* a) { a[get_global_id(0)] += get_global_id(0); }", true);
  cl::Kernel kernel(program, "add_place");
  kernel.setArg(0, opencl::native_buffer(a));
  opencl::native_queue().enqueueNDRangeKernel(kernel, cl::NullRange, cl::NDRange(3));
  a = a + 1.0F;
  EXPECT_EQ(a.copy(), (NdArray<float, 1>{3, 6, 9}));
  EXPECT_EQ(opencl::native_buffer(DeviceArray<float, 1>())(), nullptr);
  EXPECT_FALSE(opencl::native_device().getInfo<CL_DEVICE_NAME>().empty());
}

}  // namespace
}  // namespace cohort::test
