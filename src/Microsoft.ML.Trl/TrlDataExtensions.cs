using System.Text.Json.Nodes;
using Microsoft.ML.Trl;
using Microsoft.ML.Trl.Datasets;

namespace Microsoft.ML;

/// <summary>Loads the data sets of language models, in an ML.NET context; <c>ml.Data</c> has them.</summary>
public static class TrlDataExtensions
{
    /// <summary>
    /// A data set in files: .jsonl, .json, .csv, .tsv, .txt (a row per line), each also with .gz behind it, and .parquet. Rows are read
    /// when a cursor asks for them, and none is kept, so that files may be larger than memory; <c>ml.Data.Cache</c> keeps them.
    /// </summary>
    /// <param name="data">Of the context.</param>
    /// <param name="path">
    /// A file, a folder (all files below it that can be read), or a pattern such as <c>data/*.jsonl</c> or <c>data/**/*.json</c>.
    /// </param>
    /// <param name="options">Null = all columns, in the layout that the first row tells.</param>
    /// <param name="convert">
    /// What else is done with the rows, each a JSON object by TRL's names of columns, such as <see cref="DatasetRows.Unpair"/>; called for
    /// each reading. Null = nothing.
    /// </param>
    /// <returns>
    /// TRL's columns under the names that the methods read by default (<c>prompt</c> is <c>Prompt</c>, and so on), others under their own.
    /// Texts are Text, numbers Double, true and false Boolean; lists and objects, such as messages, are the text of their JSON, for which
    /// the methods have <c>Conversations</c> (<see cref="DatasetShape"/> tells whether they need it), and lists of numbers or of true and
    /// false are vectors. A missing text is empty and a missing number NaN, but none of TRL's columns may lack a value.
    /// </returns>
    /// <exception cref="ArgumentException">An option is out of range, a file of an unknown kind, or there are no rows.</exception>
    /// <exception cref="FileNotFoundException">There is no such file or folder, or none in it that can be read.</exception>
    /// <exception cref="InvalidDataException">
    /// One of the first rows is damaged, or columns change their type; the message says where. Later rows are refused so while they are
    /// read.
    /// </exception>
    /// <example><c>ml.Trl().Sft(ModelSource.Folder("gpt2")).Fit(ml.Data.LoadDataset("alpaca.json"))</c></example>
    public static IDataView LoadDataset(
        this DataOperationsCatalog data, string path, DatasetOptions? options = null,
        Func<IEnumerable<JsonObject>, IEnumerable<JsonObject>>? convert = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return LoadDataset(data, [path], options, convert);
    }

    /// <summary>A data set in several files, folders or patterns, one behind the other.</summary>
    /// <param name="data">Of the context.</param>
    /// <param name="paths">As in the overload for one; all in one layout.</param>
    /// <param name="options">Null = all columns, in the layout that the first row tells.</param>
    /// <param name="convert">As in the overload for one.</param>
    /// <returns>As the overload for one.</returns>
    /// <exception cref="ArgumentException">An option is out of range, a file of an unknown kind, or there are no rows.</exception>
    /// <exception cref="FileNotFoundException">There is no such file or folder, or none in it that can be read.</exception>
    /// <exception cref="InvalidDataException">
    /// One of the first rows is damaged, or columns change their type; the message says where. Later rows are refused so while they are
    /// read.
    /// </exception>
    public static IDataView LoadDataset(
        this DataOperationsCatalog data, IEnumerable<string> paths, DatasetOptions? options = null,
        Func<IEnumerable<JsonObject>, IEnumerable<JsonObject>>? convert = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(paths);
        options = (options ?? new DatasetOptions()).Validated();
        string[] files = DatasetFiles.Find(paths, options.Split);
        var source = new DatasetSource(files, options, convert);
        DatasetColumn[] columns = DatasetSchema.Infer(source.Rows(), options.SchemaRows, files[0]);
        return new DatasetView(columns, source.Rows);
    }

    /// <summary>
    /// Several data sets as one, one behind the other: TRL's mixtures. With shares (<see cref="DatasetPart.Fraction"/>) each is read
    /// through once for its number of rows. Rows are read when a cursor asks for them; <c>ml.Data.ShuffleRows</c> mixes them, and
    /// <c>ml.Data.TrainTestSplit</c> keeps some for a test.
    /// </summary>
    /// <param name="data">Of the context.</param>
    /// <param name="parts">At least one; all with the same columns, which <see cref="DatasetOptions.Columns"/> selects.</param>
    /// <param name="seed">Takes rows at random where parts have shares, the same for each reading; null = the first rows, as TRL.</param>
    /// <returns>As <c>LoadDataset</c>.</returns>
    /// <exception cref="ArgumentException">
    /// A part is out of range or has no rows, only some have shares, or their columns differ; the message says which.
    /// </exception>
    /// <exception cref="FileNotFoundException">There is no such file or folder, or none in it that can be read.</exception>
    /// <exception cref="InvalidDataException">A row is damaged, or columns change their type; the message says where.</exception>
    public static IDataView LoadDatasetMixture(this DataOperationsCatalog data, IReadOnlyList<DatasetPart> parts, int? seed = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(parts);
        return DatasetMixture.Of(parts, seed);
    }
}
