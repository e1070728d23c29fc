using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Text;

[TestClass]
public sealed class StreamTests
{
    private static readonly GenerationOptions Long = new() { MaxNewTokens = 20, EosTokenIds = [], Temperature = 2 };

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    public async Task Pieces_together_are_the_completion(int seed)
    {
        using LanguageModel model = Tiny.Model(seed + 1);
        GenerationOptions options = Long with { Seed = seed };
        List<string> pieces = await Read(model.StreamAsync("the film", options, TestContext.CancellationToken));
        string whole = model.Complete("the film", options, TestContext.CancellationToken);
        Assert.AreEqual(whole, string.Concat(pieces));
        Assert.IsGreaterThan(1, pieces.Count);
        Assert.IsTrue(pieces.All(piece => piece.Length > 0 && !char.IsHighSurrogate(piece[^1])), "no empty piece, no half character");
    }

    [TestMethod]
    public async Task A_stop_string_ends_the_stream_and_stays()
    {
        using LanguageModel model = Tiny.Model();
        string free = model.Complete("the film", Long, TestContext.CancellationToken);
        GenerationOptions options = Long with { StopStrings = [free[3..5]] };
        List<string> pieces = await Read(model.StreamAsync("the film", options, TestContext.CancellationToken));
        Assert.AreEqual(model.Complete("the film", options, TestContext.CancellationToken), string.Concat(pieces));
        StringAssert.Contains(string.Concat(pieces), options.StopStrings[0]);
        Assert.IsLessThan(free.Length, string.Concat(pieces).Length);
    }

    [TestMethod]
    public async Task A_stream_that_is_left_early_frees_everything_and_the_model()
    {
        using LanguageModel model = Tiny.Model();
        GenerationOptions options = Long with { MaxNewTokens = 24 };
        await First(model, options); // warm-up
        long before = Tensor.TotalCount;
        for (int i = 0; i < 5; i++)
            await First(model, options);
        Assert.AreEqual(before, Tensor.TotalCount);
        Assert.AreNotEqual("", model.Complete("the film", Long, TestContext.CancellationToken), "the model is free again");
        model.Dispose(); // waits for nobody
    }

    [TestMethod]
    public async Task A_stream_can_be_cancelled_in_both_ways()
    {
        using LanguageModel model = Tiny.Model();
        foreach (bool atTheCall in new[] { true, false })
        {
            using CancellationTokenSource source = new();
            IAsyncEnumerable<string> stream = model.StreamAsync("the", Long, atTheCall ? source.Token : TestContext.CancellationToken);
            await source.CancelAsync();
            await Assert.ThrowsAsync<OperationCanceledException>(async () =>
            {
                await foreach (string piece in stream.WithCancellation(atTheCall ? TestContext.CancellationToken : source.Token))
                    Assert.IsNotNull(piece);
            });
        }
    }

    [TestMethod]
    public async Task What_goes_wrong_reaches_the_reader()
    {
        using LanguageModel model = Tiny.Model();
        int[] all = [.. Enumerable.Range(0, Tiny.Tokenizer.VocabularySize)];
        IAsyncEnumerable<string> stream = model.StreamAsync("the", Long with { SuppressTokens = all }, TestContext.CancellationToken);
        InvalidOperationException error = await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => Read(stream));
        StringAssert.Contains(error.Message, "forbid every token");
        IAsyncEnumerable<string> gone = model.StreamAsync("the", Long, TestContext.CancellationToken);
        model.Dispose();
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => Read(gone));
    }

    private static async Task First(LanguageModel model, GenerationOptions options)
    {
        await foreach (string piece in model.StreamAsync("the film", options))
        {
            Assert.AreNotEqual("", piece);
            break;
        }
    }

    private static async Task<List<string>> Read(IAsyncEnumerable<string> stream)
    {
        List<string> pieces = [];
        await foreach (string piece in stream)
            pieces.Add(piece);
        return pieces;
    }
}
