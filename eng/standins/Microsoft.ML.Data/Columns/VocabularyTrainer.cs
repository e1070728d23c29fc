using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Data;

/// <summary>Collects the values that get keys.</summary>
internal sealed class VocabularyTrainer(IChannel channel, KeyedColumnOptions options)
{
    /// <summary>One vocabulary per column, in one pass over the view.</summary>
    public Vocabulary[] Learn(IDataView input, DataViewSchema.Column[] sources, string[] outputs)
    {
        Guard.Argument(options.MaximumNumberOfKeys > 0, "MaxNumTerms", "Must be positive", channel);
        Vocabulary[] vocabularies = [.. sources.Select(source => Vocabulary.Empty((PrimitiveDataViewType)BuiltInTypes.ItemTypeOf(source.Type)))];
        using (DataViewRowCursor cursor = input.GetRowCursor(sources.DistinctBy(source => source.Index)))
        {
            List<Func<bool>> learners = [.. vocabularies.Select((vocabulary, i) => vocabulary.MakeLearner(cursor, sources[i], options.MaximumNumberOfKeys))];
            while (learners.Count > 0 && cursor.MoveNext())
                learners.RemoveAll(learn => !learn());
        }
        for (int i = 0; i < vocabularies.Length; i++)
        {
            if (vocabularies[i].Count == 0)
                channel.Warning(MessageSensitivity.Schema, "Term map for output column '{0}' contains no entries.", outputs[i]);
            Order(vocabularies[i]);
        }
        return vocabularies;
    }

    /// <summary>All columns share the values of the only column of <paramref name="keyData"/>.</summary>
    public Vocabulary[] Given(IDataView keyData, DataViewSchema.Column[] sources)
    {
        DataViewType itemType = BuiltInTypes.ItemTypeOf(sources[0].Type);
        DataViewSchema.Column column = keyData.Schema[0];
        Guard.Argument(column.Type.Equals(itemType), nameof(keyData), $"Input data's column must be of type '{itemType}' but was '{column.Type}'", channel);
        foreach (DataViewSchema.Column source in sources)
        {
            DataViewType other = BuiltInTypes.ItemTypeOf(source.Type);
            Guard.Argument(other.Equals(itemType), nameof(keyData), $"Terms from input data type '{itemType}' but mismatches column '{source.Name}' item type '{other}'", channel);
        }
        Vocabulary vocabulary = Vocabulary.Empty((PrimitiveDataViewType)itemType);
        using (DataViewRowCursor cursor = keyData.GetRowCursor([column]))
        {
            Func<bool> learn = vocabulary.MakeLearner(cursor, column, int.MaxValue);
            while (cursor.MoveNext() && learn())
            {
            }
        }
        if (vocabulary.Count == 0)
            channel.Warning(MessageSensitivity.None, "Map from the term data resulted in an empty map.");
        Order(vocabulary);
        return [.. sources.Select(_ => vocabulary)];
    }

    private void Order(Vocabulary vocabulary)
    {
        if (options.Ordinality == ValueToKeyMappingEstimator.KeyOrdinality.ByValue)
            vocabulary.Sort();
    }
}
