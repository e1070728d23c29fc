using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpStandIn.Tests;

[TestClass]
public sealed class RandomTests
{
    [TestMethod]
    public void Equal_seeds_draw_equal_numbers()
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator one = new(5), same = new(5), other = new(6);
        Tensor drawn = randn(4, generator: one);
        Assert.IsTrue(drawn.Equals(randn(4, generator: same)));
        Assert.IsFalse(drawn.Equals(randn(4, generator: other)));
        Assert.AreEqual(5L, one.initial_seed());
    }

    [TestMethod]
    public void A_state_repeats_what_followed_it()
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(5);
        rand(3, generator: generator);
        Tensor state = generator.get_state();
        Tensor first = rand(7, generator: generator);
        generator.set_state(state);
        Assert.IsTrue(first.Equals(rand(7, generator: generator)));
        generator.manual_seed(5);
        Assert.IsTrue(rand(3, generator: generator).Equals(rand(3, generator: new Generator(5))));
    }

    [TestMethod]
    public void The_global_generator_follows_its_seed()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(11);
        Tensor first = rand(3);
        manual_seed(11);
        Assert.IsTrue(first.Equals(rand(3)));
        Tensor state = get_rng_state();
        Tensor next = rand(3);
        set_rng_state(state);
        Assert.IsTrue(next.Equals(rand(3)));
        Assert.AreEqual(11L, initial_seed());
    }

    [TestMethod]
    public void Distributions_stay_in_their_range()
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor whole = randint(2, 5, [1000L], generator: generator);
        Assert.AreEqual(2L, whole.min().ToInt64());
        Assert.AreEqual(4L, whole.max().ToInt64());
        Check.Values(randperm(10, generator: generator).sort().Values, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        Check.Values(tensor(new[] { 0f, 1f, 0f }).multinomial(2, replacement: true, generator), 1, 1);
        Assert.AreEqual(0.3, ones(20000).bernoulli_(0.3, generator).mean().ToDouble(), 0.02);
        Assert.AreEqual(2, empty(20000).normal_(2, 3, generator).mean().ToDouble(), 0.1);
        Assert.IsTrue(empty(100).uniform_(-1, 1, generator).abs().max().ToSingle() <= 1);
    }
}
