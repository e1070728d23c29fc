extern alias facade;

using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ThirdParty;
using F = facade::Microsoft.ML;

[assembly: F.LoadableClass(typeof(IDataLoader<IMultiStreamSource>), typeof(LinesLoader.Loader), null, typeof(F.SignatureLoadModel), "Lines", LinesLoader.Name)]

namespace ThirdParty;

/// <summary>Loads the lines of text files as the column Prompt.</summary>
public sealed class LinesLoader : IDataLoader<IMultiStreamSource>
{
    public const string Name = "StandInTestLines";

    public IDataView Load(IMultiStreamSource input) => new MLContext().Data.LoadFromEnumerable(Lines(input));

    public DataViewSchema GetOutputSchema() => Load(new MultiFileSource()).Schema;

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        Unsafe.As<F.ModelSaveContext>(ctx).SetVersionInfo(new F.VersionInfo("TEST LIN", 1, 1, 1, "Mlnet.StandIn.ThirdParty", Name, null));

    private static IEnumerable<Line> Lines(IMultiStreamSource source)
    {
        for (int i = 0; i < source.Count; i++)
        {
            using TextReader reader = source.OpenTextReader(i);
            for (string line = reader.ReadLine(); line is not null; line = reader.ReadLine())
                yield return new Line { Prompt = line };
        }
    }

    /// <summary>One line.</summary>
    public sealed class Line
    {
        public string Prompt;
    }

    internal static class Loader
    {
        public static IDataLoader<IMultiStreamSource> Create(IHostEnvironment env, F.ModelLoadContext ctx) => new LinesLoader();
    }
}
