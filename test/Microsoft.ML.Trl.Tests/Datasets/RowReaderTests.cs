using Microsoft.Data.Analysis;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Datasets;

[TestClass]
public sealed class RowReaderTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Rows_come_numbered_with_their_texts_and_number()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(Tiny.Pairs);
        TextRow[] rows = [.. RowReader.Read(view, [view.Schema["Chosen"], view.Schema["Prompt"]], view.Schema["Margin"])];
        Assert.HasCount(4, rows);
        Assert.AreEqual(2, rows[2].Number);
        CollectionAssert.AreEqual(new[] { " was rich and good", "the plot" }, rows[2].Texts);
        Assert.AreEqual(2.0, rows[2].Value);
    }

    [TestMethod]
    public void Numbers_of_every_type_are_read()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new[] { new Numbers() });
        foreach (DataViewSchema.Column column in view.Schema)
            Assert.AreEqual(
                7.0, RowReader.Read(view, [], InputColumns.Number(view.Schema, column.Name, "margin")).Single().Value, column.Name);
    }

    [TestMethod]
    public void Fit_reads_its_input_once_and_only_the_columns_it_needs()
    {
        var recorded = new RecordingView(_ml.Data.LoadFromEnumerable(Tiny.Pairs));
        using TextGenerationTransformer sft = _ml.Trl(
            ).Sft(Tiny.Source(), new SftOptions { MaxSteps = 3, PerDeviceTrainBatchSize = 1 }).Fit(recorded);
        Assert.AreEqual("Prompt, Completion", recorded.Cursors.Single());
    }

    [TestMethod]
    public void Stages_downstream_do_not_touch_what_upstream_would_generate()
    {
        var rows = new RecordingView(_ml.Data.LoadFromEnumerable(Tiny.Pairs));
        using var chain = _ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 1, Generation = Tiny.Greedy }).Append(
            _ml.Trl().Dpo(new() { MaxSteps = 1 })).Fit(rows);
        CollectionAssert.AreEqual(new[] { "Prompt, Completion", "Prompt, Chosen, Rejected" }, rows.Cursors);
    }

    [TestMethod]
    public void A_data_frame_goes_in()
    {
        var frame = new DataFrame(
            new StringDataFrameColumn("Prompt", ["the film", "a"]), new StringDataFrameColumn("Completion", [" was good", " bad story"]));
        using TextGenerationTransformer sft = _ml.Trl(
            ).Sft(Tiny.Source(), new SftOptions { MaxSteps = 1, Generation = Tiny.Greedy }).Fit(frame);
        Assert.AreEqual(2, sft.Transform(frame).GetColumn<string>("Completion").Count());
    }

    private sealed class Numbers
    {
        public float A { get; set; } = 7;

        public double B { get; set; } = 7;

        public sbyte C { get; set; } = 7;

        public short D { get; set; } = 7;

        public int E { get; set; } = 7;

        public long F { get; set; } = 7;

        public byte G { get; set; } = 7;

        public ushort H { get; set; } = 7;

        public uint I { get; set; } = 7;

        public ulong J { get; set; } = 7;
    }
}
