using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.EncoderDecoder;

/// <summary>The stages on an encoder-decoder, from columns of text to answers.</summary>
[TestClass]
public sealed class EncoderDecoderFitTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Sft_learns_the_answers_by_heart(bool isVersion11)
    {
        var options = new SftOptions { MaxSteps = 60, LearningRate = 2e-2, PerDeviceTrainBatchSize = 4, Generation = Tiny.Greedy };
        using TextGenerationTransformer sft = _ml.Trl().Sft(TinyT5.Source(isVersion11: isVersion11), options).Fit(Rows);
        string[] answers = [.. _ml.Data.CreateEnumerable<Tiny.Answer>(sft.Transform(Rows), reuseRowObject: false).Select(row => row.Completion)];
        CollectionAssert.AreEqual(Tiny.Pairs.Select(row => row.Completion).ToArray(), answers);
    }
}
