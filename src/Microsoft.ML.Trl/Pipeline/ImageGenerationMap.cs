using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Which column is read and which is added.</summary>
internal sealed record ImageColumns(string PromptColumnName, string OutputColumnName)
{
    /// <summary>Throws an <see cref="ArgumentException"/> where a name is empty.</summary>
    public void Check()
    {
        Require.Named(PromptColumnName);
        Require.Named(OutputColumnName);
    }

    /// <summary>What a pipeline promises that is not fitted yet.</summary>
    public SchemaShape Promise(MLContext ml, SchemaShape shape)
    {
        InputColumns.RequireText(shape, PromptColumnName, "prompt");
        return PromisedColumns.WithImage(ml, shape, OutputColumnName, ModelHandle.DenoiserKind);
    }
}

/// <summary>Prompt → image.</summary>
internal sealed class ImageGenerationMap : IBatchMap
{
    private readonly DiffusionModel _model;
    private readonly ImageGenerationTransformer _owner;
    private readonly RowWarning _warning;

    public ImageGenerationMap(DataViewSchema input, ImageGenerationTransformer owner)
    {
        (_model, _owner) = (owner.Model, owner);
        _warning = new RowWarning(owner.Host, "Its image is NaN");
        Inputs = [InputColumns.Text(input, owner.PromptColumnName, "prompt")];
        DenoiserConfig shape = _model.Config;
        var type = new VectorDataViewType(NumberDataViewType.Single, shape.Channels, shape.Height, shape.Width);
        Outputs = [new AddedColumn(owner.OutputColumnName, type, ModelHandle.Annotate(ModelHandle.DenoiserKind, _model))];
    }

    public IReadOnlyList<DataViewSchema.Column> Inputs { get; }
    public IReadOnlyList<AddedColumn> Outputs { get; }
    public int BatchSize => _owner.BatchSize;

    public Array?[] Compute(string[][] texts, bool[] wanted, long firstRow)
    {
        string[] prompts = texts[0];
        int[] rows = [.. Enumerable.Range(0, prompts.Length).Where(row => IsKnown(prompts[row], firstRow + row))];
        float[] none = new float[_model.Config.ImageSize];
        Array.Fill(none, float.NaN);
        float[][] images = [.. prompts.Select(_ => none)];
        if (rows.Length == 0)
            return [images];
        using var scope = NewDisposeScope();
        string[] known = [.. rows.Select(row => prompts[row])];
        long[] seeds = [.. known.Select(prompt => PromptSeed.OfSample(prompt, _owner.Generation.Seed))];
        Tensor drawn = _model.Draw(known, seeds, _owner.Generation, CancellationToken.None);
        float[] pixels = drawn.cpu().data<float>().ToArray();
        foreach ((int row, float[] image) in rows.Zip(pixels.Chunk(none.Length)))
            images[row] = image;
        return [images];
    }

    private bool IsKnown(string prompt, long row)
    {
        if (_model.Words.Unknown(prompt) is not { } word)
            return true;
        _warning.Give(row, _model.Words.Complaint(prompt, word));
        return false;
    }
}
