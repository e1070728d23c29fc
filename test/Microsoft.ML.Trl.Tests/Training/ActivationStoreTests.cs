using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

/// <summary>What waits elsewhere comes back bit by bit.</summary>
[TestClass]
public sealed class ActivationStoreTests
{
    [TestMethod]
    [DataRow(ScalarType.Float32)]
    [DataRow(ScalarType.BFloat16)]
    public void A_file_gives_tensors_back_from_the_last_to_the_first(ScalarType type) => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = new();
        using (var store = new FileStore(folder.Path))
        {
            Tensor[] given = [.. new long[] { 3, 70_000, 5 }.Select(rows => randn(rows, 7).to_type(type).t())]; // not dense
            Func<Tensor>[] back = [.. given.Select(store.Put)];
            Assert.AreEqual(given.Sum(tensor => tensor.NumberOfElements * tensor.ElementSize), store.Length);
            Assert.HasCount(OperatingSystem.IsWindows() ? 1 : 0, Directory.GetFiles(folder.Path)); // elsewhere it has no name
            for (int index = given.Length - 1; index >= 0; index--)
                Assert.IsTrue(given[index].equal(back[index]()).all().item<bool>());
            Assert.AreEqual(0, store.Length);
        }
        Assert.IsEmpty(Directory.GetFiles(folder.Path), "the file is gone");
    });

    [TestMethod]
    public void Order_does_not_matter_and_what_nobody_wants_back_is_forgotten()
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = new();
        using var store = new FileStore(folder.Path);
        Tensor first = randn(4), second = randn(4), third = randn(4);
        (Func<Tensor> one, Func<Tensor> two) = (store.Put(first), store.Put(second));
        Close.Absolute(first, one(), 0);
        Func<Tensor> three = store.Put(third);
        Close.Absolute(second, two(), 0);
        Close.Absolute(third, three(), 0);
        store.Put(first);
        store.Clear();
        Assert.AreEqual(0, store.Length);
    }

    [TestMethod]
    public void Memory_gives_copies_back_and_forgets_the_rest() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var store = new MemoryStore();
        Tensor given = randn(3, 2), expected = given.clone();
        Func<Tensor> back = store.Put(given);
        store.Put(given);
        given.zero_();
        Close.Absolute(expected, back(), 0);
    });
}
